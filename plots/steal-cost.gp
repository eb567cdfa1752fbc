# What a steal costs a task with a working set of X: the time of the move, and the share of lines that were gone. Marks[1] and
# Marks[2] name the panels' blocks, BACKEND:RESUME:QUANTITY:KIND, and Marks[3] the caches, "KiB:NAME". The cost's axis is linear near
# 0 and logarithmic beyond: a control of 0 has its place on it.
load style
set terminal svg size 760,620 dynamic enhanced font "system-ui,sans-serif,12" name svgname
set output out
some(l) = l eq "" ? "none:none:none:none" : l # an empty list still makes one turn: with a block that is not there
part(b, k) = k == 1 ? b[1:strstrt(b, ":")-1] : part(b[strstrt(b, ":")+1:], k-1)
size(cache) = cache[1:strstrt(cache, ":")-1] + 0
rest(b, k) = k == 1 ? b : rest(b[strstrt(b, ":")+1:], k-1)
stats data using 1 nooutput name "X"
set logscale x 2
set xrange [X_min/1.5:X_max*1.5]
set format x "%g"
set lmargin 10
set rmargin 3
if (Marks[3] ne "") { do for [c in Marks[3]] {
    kib = size(c)
    if (kib >= X_min/1.5 && kib <= X_max*1.5) {
        set arrow from first kib, graph 0 to first kib, graph 0.93 nohead lc rgb "#808080" lw 1 dt 3
        set label rest(c, 2) at first kib, graph 0.96 center tc rgb "#808080" noenhanced
    }
} }
set multiplot layout 2, 1 margins char 10, char 3, char 4, char 5 spacing char 5
do for [i=1:2] {
    stolen = ""
    same = ""
    flushed = ""
    single = ""
    bad = ""
    do for [b in Marks[i]] {
        kind = rest(b, 4)
        what = part(b, 3)
        resume = part(b, 2)
        if (kind eq "invalid") { bad = bad." ".b }
        if (kind eq "median" && what ne "probes" && resume eq "steal") { stolen = stolen." ".b }
        if (kind eq "median" && what ne "probes" && resume eq "local") { same = same." ".b }
        if (kind eq "median" && what eq "probes" && resume eq "steal") { single = single." ".b }
        if (kind eq "median" && resume eq "flush" && (what eq "probes" || i == 1)) { flushed = flushed." ".b }
    }
    set title Panel[i] noenhanced offset 0,-0.6
    set ylabel ""
    if (i == 1) {
        set key at screen 0.02, screen 0.995 top left Left reverse horizontal samplen 2 maxrows 2 noenhanced
        set offsets 0, 0, graph 0.07, graph 0.05
        set nonlinear y via asinh(y/0.02) inverse 0.02*sinh(y)
        set ytics (0, 0.1, 1, 10, 100, 1000, 10000)
        set xlabel ""
        plot for [b in some(stolen)] data index b using 1:2:3:4 with yerrorlines ls number(part(b, 1)) notitle, \
             for [b in some(same)] data index b using 1:2:3:4 with yerrorbars pt 6 ps 0.8 dt 1 lc rgb Colour[number(part(b, 1))] notitle, \
             for [b in some(flushed)] data index b using 1:2:3:4 with yerrorbars pt 8 ps 0.9 dt 1 lc rgb Colour[number(part(b, 1))] notitle, \
             for [b in some(bad)] data index b using 1:2 with points pt 2 ps 1 lw 1.4 lc rgb Colour[number(part(b, 1))] notitle, \
             for [b in present] keyentry with linespoints ls number(b) title b.", stolen", \
             keyentry with points pt 6 lc rgb "#808080" title "same P (control)", \
             keyentry with points pt 8 lc rgb "#808080" title "after clflush (control)", \
             keyentry with points pt 12 lc rgb "#808080" title "single lines", \
             keyentry with points pt 2 lc rgb "#808080" title (invalid eq "" ? "" : "not valid")
    } else {
        unset nonlinear y
        unset offsets
        set key off
        set ytics autofreq # above 100 where what it cost is no count of lines: noise, which is not to be cut off
        set yrange [-10:125<*]
        set xlabel xname noenhanced
        plot for [b in some(stolen)] data index b using 1:2:3:4 with yerrorlines ls number(part(b, 1)) notitle, \
             for [b in some(same)] data index b using 1:2:3:4 with yerrorbars pt 6 ps 0.8 dt 1 lc rgb Colour[number(part(b, 1))] notitle, \
             for [b in some(flushed)] data index b using 1:2:3:4 with yerrorbars pt 8 ps 0.9 dt 1 lc rgb Colour[number(part(b, 1))] notitle, \
             for [b in some(bad)] data index b using 1:2 with points pt 2 ps 1 lw 1.4 lc rgb Colour[number(part(b, 1))] notitle, \
             for [b in some(single)] data index b using 1:2:3:4 with yerrorbars pt 12 ps 0.9 dt 1 lc rgb Colour[number(part(b, 1))] notitle
    }
}
unset multiplot
