# The tail against the offered load, an open loop.
load style
set logscale y
set xrange [0:1<*]
plot @LINES, @RAW, @INVALID
