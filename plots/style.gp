# The one style of all figures. The caller has set: style, data, out, svgname (an identifier), present, raw, invalid (lists of
# backends that have such points), xname, yname, ticks (for a named axis, else "").
# Colours are the backends' own everywhere; each is told apart by dash and point too, and stands 3:1 against white
# and against black alike, so that one picture serves both themes. Axes and text take the page's colour.
set terminal svg size 760,400 dynamic enhanced font "system-ui,sans-serif,13" name svgname
set output out
set encoding utf8
set datafile missing "-"
set border 3 lc rgb "#808080" lw 0.8
set tics nomirror out scale 0.6
set grid ytics lc rgb "#808080" lw 0.4 dt 3
set key outside top center horizontal maxrows 1 samplen 2 noenhanced
set lmargin 11
set rmargin 3
set xlabel xname noenhanced
set ylabel yname noenhanced
set pointsize 0.8

known = "trine pthread pool go"
number(b) = b eq "trine" ? 1 : b eq "pthread" ? 2 : b eq "pool" ? 3 : b eq "go" ? 4 : 5
set style line 1 lc rgb "#2b8fd6" lw 2 dt 1         pt 7
set style line 2 lc rgb "#e0701b" lw 2 dt 2         pt 5
set style line 3 lc rgb "#1aa37a" lw 2 dt (12,4,2,4) pt 9
set style line 4 lc rgb "#c774b0" lw 2 dt (3,3)     pt 13
set style line 5 lc rgb "#8a8a8a" lw 2 dt (8,3,2,3,2,3) pt 11
# The processes themselves, hollow, and points that are not to be trusted, crossed.
set style line 11 lc rgb "#2b8fd6" lw 0.7 pt 6  ps 0.55
set style line 12 lc rgb "#e0701b" lw 0.7 pt 4  ps 0.55
set style line 13 lc rgb "#1aa37a" lw 0.7 pt 8  ps 0.55
set style line 14 lc rgb "#c774b0" lw 0.7 pt 12 ps 0.55
set style line 15 lc rgb "#8a8a8a" lw 0.7 pt 10 ps 0.55
array Colour[5] = ["#2b8fd6", "#e0701b", "#1aa37a", "#c774b0", "#8a8a8a"]

# What every scatter draws: the medians with their intervals, each process, and the invalid ones.
# An empty list still makes one turn in gnuplot, so the parts are only there when they have something to draw.
RAW     = raw eq "" ? "NaN notitle" : "for [b in raw] data index b.'-raw' using 1:2 with points ls 10+number(b) notitle"
INVALID = invalid eq "" ? "NaN notitle" : "for [b in invalid] data index b.'-invalid' using 1:2 with points pt 2 ps 1 lw 1.4 lc rgb Colour[number(b)] title b.' (invalid)'"
LINES   = present eq "" ? "NaN notitle" : "for [b in present] data index b using 1:2:3:4 with yerrorlines ls number(b) title b"
MARKS   = present eq "" ? "NaN notitle" : "for [b in present] data index b using 1:2:3:4 with yerrorbars ls number(b) dt 1 title b"
