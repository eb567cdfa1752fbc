# Small multiples over GOMAXPROCS: cost of an operation against the number of tasks, every panel on the same axes. Marks[i] holds
# the names of the panel's blocks: BACKEND:PROCS:median, :raw, :invalid.
columns = npanels > 1 ? (npanels > 4 ? 3 : 2) : 1
rows = (npanels+columns-1)/columns
load style
set terminal svg size 760,(250*rows+50) dynamic enhanced font "system-ui,sans-serif,12" name svgname
set output out
backend(b) = b[1:strstrt(b, ":")-1]
some(l) = l eq "" ? "none:none" : l # an empty list still makes one turn: with a block that is not there
ends(b, s) = strlen(b) > strlen(s) && b[strlen(b)-strlen(s)+1:] eq s
stats data using 1 nooutput name "X"
stats data using 2 nooutput name "Y"
set logscale x 10
set logscale y 10
set xrange [X_min/1.6:X_max*1.6]
set yrange [Y_min/1.5:Y_max*1.5]
set format x "%.0s%c"
set lmargin 9
set rmargin 2
set key off
set multiplot layout rows, columns margins char 9, char 2, char 4, char 4.5 spacing char 9, char 5
do for [i=1:npanels] {
    med = ""
    raws = ""
    bad = ""
    do for [b in Marks[i]] {
        if (ends(b, ":median")) { med = med." ".b }
        if (ends(b, ":raw")) { raws = raws." ".b }
        if (ends(b, ":invalid")) { bad = bad." ".b }
    }
    set title Panel[i] noenhanced offset 0,-0.6
    if (i == 1) { set key at screen 0.02, screen 0.995 top left Left reverse horizontal samplen 2 noenhanced } else { set key off }
    plot for [b in some(med)] data index b using 1:2:3:4 with yerrorlines ls number(backend(b)) notitle, \
         for [b in some(raws)] data index b using 1:2 with points ls 10+number(backend(b)) notitle, \
         for [b in some(bad)] data index b using 1:2 with points pt 2 ps 1 lw 1.4 lc rgb Colour[number(backend(b))] notitle, \
         for [b in present] keyentry with linespoints ls number(b) title b, \
         keyentry with points pt 2 lc rgb "#808080" title (invalid eq "" ? "" : "not valid")
}
unset multiplot
