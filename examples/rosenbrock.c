/* Newton's method on Rosenbrock's function (1960), f(x, y) = (1 - x)^2 + 100 (y - x^2)^2, with gradient and Hessian
 * from ad_grad and ad_hessian.
 *
 * On the screen: the path from (-1.2, 1) to the minimum at (1, 1), in a handful of steps. */
#include "example.h"
#include <math.h>
#include <stdio.h>

static ad_array *rosenbrock(ad_array *p)
{
    ad_array *x = ad_at(p, "0"), *y = ad_at(p, "1");
    return ad_add(ad_square(ad_sub(1, x)), ad_mul(100, ad_square(ad_sub(y, ad_square(x)))));
}

int main(int argc, char **argv)
{
    struct options options = { .iterations = 20 };
    read_options(&options, argc, argv, "rosenbrock: Newton's method with gradient and Hessian.\nUses --out and --iterations.\n");

    ad_array *p = ad_from((double[]){ -1.2, 1 }, AD_SHAPE(2)), *path = ad_reshape(p, AD_SHAPE(1, 2));
    printf("%4s %12s %12s %14s %14s\n", "step", "x", "y", "f", "|gradient|");
    for (int64_t step = 0; step <= options.iterations; step++) {
        double f = ad_item(rosenbrock(p));
        ad_array *g = ad_grad(rosenbrock)(p), *H = ad_hessian(rosenbrock)(p);
        double size = sqrt(ad_item(ad_sum(ad_square(g))));
        printf("%4lld %12.8f %12.8f %14.6e %14.6e\n", (long long)step, ad_item(ad_at(p, "0")), ad_item(ad_at(p, "1")), f, size);
        if (size < 1e-12)
            break;
        p = ad_sub(p, ad_linalg_solve(H, g));
        path = ad_concatenate(ad_list_of(path, ad_reshape(p, AD_SHAPE(1, 2))), .axis = 0);
    }
    write_results(options.out, "", "x,y", path,
                  "set title \"Newton's method leaps across Rosenbrock's valley\"\nset xlabel 'x'\nset ylabel 'y'\nset contour\nset view map\nunset surface\n"
                  "set cntrparam levels discrete 1, 4, 20, 100, 400\n"
                  "set isosamples 150\nset table $contours\nsplot [-1.6:1.6][-3.5:2] (1-x)**2 + 100*(y-x*x)**2\n"
                  "unset table\nset datafile separator whitespace\n"
                  "before(s) = real(s[1:strstrt(s, ',') - 1])\nbehind(s) = real(s[strstrt(s, ',') + 1:*])\n"
                  "set key noautotitle\nunset key\nset label 'start' at -1.2, 1 right offset -1,0\nset label 'minimum' at 1, 1 left offset 1,0\n"
                  "set label 'contours of f: 1, 4, 20, 100, 400' at graph 0.02, graph 0.04 tc rgb '#777777'\n"
                  "plot [-1.6:1.6][-3.5:2] $contours with lines lw 1.5 lc rgb '#aaaaaa', "
                  "DATA every ::1 using (before(strcol(1))):(behind(strcol(1))) with linespoints lt 2 pt 7 ps 1.3");
    return 0;
}
