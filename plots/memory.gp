# Memory of a parked task against how many there are.
load style
set logscale xy
set offsets graph 0.03, graph 0.03
plot @LINES, @RAW, @INVALID
