# The tail against the offered load while tasks compute beside the requests: an open loop.
load style
set logscale y
set xrange [0:1<*]
plot @LINES, @RAW, @INVALID
