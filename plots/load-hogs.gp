# The tail against the offered load while tasks compute beside the requests: an open loop.
load style
set logscale y
set xrange [0:1]
set offsets 0, 0, graph 0.03, graph 0.03
plot @LINES, @RAW, @INVALID
