/* Prints the traces of all rows, of their gradients and of a derivative of these, for tests/ci/emitted.py. */
#include "rows/programs.h"
#include <stdio.h>

int main(void)
{
    current = of_row;
    for (int i = 0; row_at(i) && !ad_failed(); i++) {
        const struct row *row = current_row = row_at(i);
        bool square = row->flags & SQUARE;
        current_name = row->text;
        for (int s = 0; s < (square ? 2 : 6); s++)
            for (int k = 0; k < (row->flags & CONSTANT ? 1 : 3); k++) {
                AD_SCOPE;
                const ad_shape *shapes = square ? square_shapes[s] : general_shapes[s];
                if (applies(row, shapes) && !(row->flags & CONSTANT && s != 1))
                    ad_fprint_trace(stdout, programs[k], operands_of(row, 7, shapes));
            }
    }
    if (ad_failed())
        fprintf(stderr, "%s: %s\n", current_name, ad_error_message());
    return ad_failed();
}
