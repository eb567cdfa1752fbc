# The tail of the waiting requests against the same share.
load style
set xrange [-3:100]
set logscale y
set offsets graph 0.03, graph 0.03
plot @LINES, @RAW, @INVALID
