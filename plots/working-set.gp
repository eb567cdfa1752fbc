# Cost of a switch against the working set that each task touches.
load style
set logscale y
set offsets graph 0.03, graph 0.03
set xtics ("0" 0, "1" 1, "4" 2, "16" 3, "64" 4, "256" 5, "1024" 6)
plot @LINES, @RAW, @INVALID
