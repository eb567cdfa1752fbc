# Threads of the process over time.
load style
set logscale y
plot for [b in present] data index b.':' using 1:2 with steps ls number(b) title b
