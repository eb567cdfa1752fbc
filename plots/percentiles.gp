# Latency by percentile; x is 1/(1-p), so that each further nine takes the same room.
load style
set logscale xy
set xtics ("50 %%" 2, "90 %%" 10, "99 %%" 100, "99.9 %%" 1e3, "99.99 %%" 1e4, "99.999 %%" 1e5, "99.9999 %%" 1e6)
set xrange [1.6:*]
set rmargin 6
plot for [b in present] data index b.':' using 1:2 with steps ls number(b) title b
