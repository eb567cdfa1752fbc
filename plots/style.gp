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
set key outside top left Left reverse horizontal samplen 2 noenhanced
set lmargin 11
set rmargin 3
set xlabel xname noenhanced
set ylabel yname noenhanced
set pointsize 0.8
set format "%g"

# 1 to 4 are the backends that every figure has; trine@a and trine@b are the old and the new build of one run.
number(b) = b eq "trine" || b eq "trine@b" ? 1 : b eq "pthread" ? 2 : b eq "pool" ? 3 : b eq "go" ? 4 : \
            b eq "trine@a" ? 6 : b eq "boost" ? 7 : b eq "tbb" ? 8 : b eq "tokio" ? 9 : 5
array Colour[9] = ["#2b8fd6", "#e0701b", "#1aa37a", "#c774b0", "#8a8a8a", "#7a6fd0", "#a08a1e", "#c2536b", "#5b8c2a"]
array Mark[9] = [7, 5, 9, 13, 11, 15, 7, 5, 9]
set style line 1 lw 2 dt 1
set style line 2 lw 2 dt 2
set style line 3 lw 2 dt (12,4,2,4)
set style line 4 lw 2 dt (3,3)
set style line 5 lw 2 dt (8,3,2,3,2,3)
set style line 6 lw 2 dt (6,3)
set style line 7 lw 2 dt (14,3)
set style line 8 lw 2 dt (2,2)
set style line 9 lw 2 dt (10,2,2,2)
# The processes themselves are hollow marks of the same shape.
do for [i=1:9] {
    set style line i lc rgb Colour[i] pt Mark[i]
    set style line 10+i lc rgb Colour[i] lw 0.7 pt Mark[i]-1 ps 0.55
}

# What every scatter draws: the medians with their intervals, each process, and the invalid ones.
# An empty list still makes one turn in gnuplot, so the parts are only there when they have something to draw.
RAW     = raw eq "" ? "NaN notitle" : "for [b in raw] data index b.':raw' using 1:2 with points ls 10+number(b) notitle"
INVALID = invalid eq "" ? "NaN notitle" : "for [b in invalid] data index b.':invalid' using 1:2 with points pt 2 ps 1 lw 1.4 lc rgb Colour[number(b)] notitle, keyentry with points pt 2 lc rgb '#808080' title 'not valid'"
LINES   = present eq "" ? "NaN notitle" : "for [b in present] data index b.':median' using 1:2:3:4 with yerrorlines ls number(b) title b"
MARKS   = present eq "" ? "NaN notitle" : "for [b in present] data index b.':median' using 1:2:3:4 with yerrorbars ls number(b) dt 1 title b"
