# Latency over time, a panel a backend: one column a window, the darker the more of its requests (log scale).
load style
set terminal svg size 760,(npanels > 2 ? 560 : 320) dynamic enhanced font "system-ui,sans-serif,12" name svgname
set output out
unset key
stats data using 3 nooutput name "LOW"
stats data using 4 nooutput name "HIGH"
set yrange [LOW_min:HIGH_max]
set logscale y
set cbrange [0.0005:1]
set logscale cb
set palette defined (0 "#cfe3f3", 0.5 "#4a98d0", 1 "#08306b")
unset colorbox
set grid noytics
set lmargin 10
set rmargin 2
set xtics 1
set multiplot layout (npanels+1)/2, (npanels > 1 ? 2 : 1)
do for [i=1:npanels] {
    set title Panel[i] noenhanced offset 0,-0.6
    plot data index (i-1) using (($1+$2)/2):(sqrt($3*$4)):1:2:3:4:5 with boxxyerror fill solid noborder lc palette
}
unset multiplot
