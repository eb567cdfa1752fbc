# Threads of the process against tasks in blocking calls; the dotted line is one thread a task.
load style
set logscale xy
set offsets graph 0.03, graph 0.03
plot x with lines lc rgb "#808080" lw 1 dt 3 title "one thread a task", @LINES, @RAW, @INVALID
