# Latency over time: one column a window, the darker the more samples (share of the window, log scale).
load style
unset key
set logscale ycb
set palette defined (0 "#deebf7", 0.4 "#6baed6", 1 "#08306b")
set colorbox user origin 0.9,0.25 size 0.015,0.5
set rmargin 14
set cblabel "share of the window"
plot for [b in present] data index b using (($1+$2)/2):(($3+$4)/2):1:2:3:4:5 with boxxyerror fill solid noborder lc palette
