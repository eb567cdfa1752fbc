# A line a row of the peers' table: the ratio to each peer with its interval, filled where it is decided, hollow where it is
# open, and the target as an upright stroke of the peer's colour. Less is better in all of them.
load style
set terminal svg size 860,(100+22*nticks) dynamic enhanced font "system-ui,sans-serif,12" name svgname
set output out
set logscale x 2
set yrange [nticks-0.4:-0.6]
set grid xtics noytics lc rgb "#808080" lw 0.4 dt 3
set xtics (0.03125, 0.0625, 0.125, 0.25, 0.5, 1, 2, 4)
set lmargin 50
set bmargin 4
set ylabel ""
set border 1
unset ytics
eval "set ytics (".ticks.") scale 0 noenhanced"
set arrow from first 1, graph 0 to first 1, graph 1 nohead lc rgb "#808080" lw 1.2 dt 2
decided(open, x) = open > 0 ? NaN : x
still(open, x) = open > 0 ? x : NaN
plot for [b in present] data index b using 1:2:3:4 with xerrorbars pt 0 dt 1 lw 1.4 lc rgb Colour[number(b)] notitle, \
     for [b in present] data index b using 5:2:(0):(0.22) with vectors nohead lw 2.4 dt 1 lc rgb Colour[number(b)] notitle, \
     for [b in present] data index b using 5:2:(0):(-0.22) with vectors nohead lw 2.4 dt 1 lc rgb Colour[number(b)] notitle, \
     for [b in present] data index b using (decided($6, $1)):2 with points pt Mark[number(b)] ps 0.9 lc rgb Colour[number(b)] notitle, \
     for [b in present] data index b using (still($6, $1)):2 with points pt Mark[number(b)]-1 ps 0.9 lw 1.4 lc rgb Colour[number(b)] notitle, \
     for [b in present] keyentry with points pt Mark[number(b)] lc rgb Colour[number(b)] title b
