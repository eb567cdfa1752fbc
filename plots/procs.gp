# Throughput of computing tasks against GOMAXPROCS.
load style
set format y "%.1s %c"
set logscale x 2
set yrange [0:*]
set offsets graph 0.03, graph 0.03, graph 0.06, 0
plot @LINES, @RAW, @INVALID
