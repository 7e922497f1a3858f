/* Draws numbers in the style of the examples' pictures: picture PREFIX COLUMNS SCRIPT < numbers. COLUMNS is
 * "x,one,two"; the numbers are read row by row, nan where there is none; the script is gnuplot's, see
 * examples/example.h. compare.py calls it. */
#include "../../examples/example.h"
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    enum { MOST = 10000 };
    static double numbers[MOST];
    int64_t count = 0, columns = 1;
    if (argc != 4) {
        fprintf(stderr, "usage: picture PREFIX COLUMNS SCRIPT < numbers\n");
        return EXIT_FAILURE;
    }
    ad_on_error(AD_ERROR_PRINT_AND_EXIT);
    for (const char *c = argv[2]; *c; c++)
        columns += *c == ',';
    while (count < MOST && scanf("%lf", &numbers[count]) == 1)
        count++;
    write_results(argv[1], "", argv[2], ad_from(numbers, AD_SHAPE(count / columns, columns)), argv[3]);
    return EXIT_SUCCESS;
}
