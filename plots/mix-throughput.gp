# Throughput against the share of waiting in the mix.
load style
set xrange [-3:103]
set format y "%.1s %c"
set yrange [0:*]
set offsets graph 0.03, graph 0.03, graph 0.06, 0
plot @LINES, @RAW, @INVALID
