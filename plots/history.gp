# The level of series run by run, a panel each; an arrow's line with its size where a level changed.
columns = npanels > 1 ? 2 : 1
rows = (npanels+columns-1)/columns
load style
set terminal svg size 760,(180*rows+20) dynamic enhanced font "system-ui,sans-serif,12" name svgname
set output out
unset key
unset xlabel
set lmargin 9
set rmargin 2
set offsets 0.5, 0.5, graph 0.3, graph 0.1
set format y "%.3s%c"
set ytics autofreq
set multiplot layout rows, columns
do for [i=1:npanels] {
    set title Panel[i] noenhanced offset 0,-0.6 font ",10"
    name = Panel[i]
    b = strstrt(name, "/pthread/") ? 2 : strstrt(name, "/pool/") ? 3 : strstrt(name, "/go/") ? 4 : strstrt(name, "/trine/") ? 1 : 5
    stats data index (i-1) using 3 nooutput name "marks_"
    if (marks_records > 0) {
        plot data index (i-1) using 1:2 with linespoints ls b ps 0.4 notitle, \
             data index (i-1) using 3:2 with impulses lc rgb "#d05048" lw 1 dt 2 notitle, \
             data index (i-1) using 3:2:4 with labels offset 0,1 tc rgb "#d05048" font ",10" notitle
    } else {
        plot data index (i-1) using 1:2 with linespoints ls b ps 0.4 notitle
    }
}
unset multiplot
