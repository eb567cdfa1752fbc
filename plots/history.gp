# The level of series run by run, a panel each; a line with its size where a level changed.
columns = npanels > 1 ? 2 : 1
rows = (npanels+columns-1)/columns
load style
set terminal svg size 760,(190*rows+20) dynamic enhanced font "system-ui,sans-serif,12" name svgname
set output out
unset key
unset xlabel
set lmargin 9
set rmargin 2
set offsets 0.5, 0.5, 0, 0
set multiplot layout rows, columns
at(mark) = mark[1:strstrt(mark, ":")-1] + 0
size(mark) = mark[strstrt(mark, ":")+1:]
do for [i=1:npanels] {
    t = Panel[i]
    line = strstrt(t, "/pthread/") ? 2 : strstrt(t, "/pool/") ? 3 : strstrt(t, "/go/") ? 4 : strstrt(t, "/trine/") ? 1 : 5
    unset arrow
    unset label
    if (strlen(Marks[i]) > 0) {
        do for [m in Marks[i]] {
            set arrow from first at(m), graph 0 to first at(m), graph 0.85 nohead lc rgb "#d05048" dt 2
            set label size(m) at first at(m), graph 0.94 center tc rgb "#d05048" font ",11"
        }
    }
    set yrange [*:*]
    stats data index (i-1) using 2 nooutput name "Y"
    pad = Y_max > Y_min ? Y_max-Y_min : Y_max != 0 ? 0.1*abs(Y_max) : 1 # a level that never moved, and one that is 0
    set yrange [Y_min-0.15*pad:Y_max+0.35*pad]
    set ytics (sprintf("%.4g", Y_min) Y_min)
    if (Y_max > Y_min) { set ytics add (sprintf("%.4g", Y_max) Y_max) }
    set title t noenhanced offset 0,-0.6 font ",10"
    plot data index (i-1) using 1:2 with linespoints ls line ps 0.4
}
unset multiplot
