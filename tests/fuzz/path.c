/* Any text as a path in a tree, and as a name in a new one. */
#include "fuzz.h"

void fuzz_input(struct bytes input)
{
    ad_array *one = ad_scalar(1);
    ad_tree *tree = ad_tree_of("a", one, "list", ad_list_of(one, ad_list_of(one), ad_tree_empty()), "layers", ad_tree_of("0", ad_tree_of("W", one, "b", one)));
    char *text = rest_as_text(input);

    bool has = ad_tree_has(tree, text);
    REQUIRE(!ad_failed());
    ad_array *x = ad_tree_get(tree, text);
    REQUIRE_RESULT_OR_ERROR(x);
    ad_tree *sub = ad_tree_sub(tree, text);
    REQUIRE_RESULT_OR_ERROR(sub);
    REQUIRE(has == (x || sub));
    REQUIRE(!(x && sub));

    ad_array *two = ad_scalar(2);
    ad_tree *set = ad_tree_set(tree, text, two);
    REQUIRE_RESULT_OR_ERROR(set);
    if (set) {
        REQUIRE(ad_item(ad_tree_get(set, text)) == 2 && ad_tree_leaf_count(set) >= 1);
        REQUIRE(has ? true : ad_tree_leaf_count(set) == ad_tree_leaf_count(tree) + 1);
    }
    set = ad_tree_set_tree(tree, text, ad_list_of(two));
    REQUIRE_RESULT_OR_ERROR(set);
    REQUIRE(!set || ad_tree_sub(set, text));

    ad_tree *named = ad_tree_of(text, one, "second", two);
    REQUIRE_RESULT_OR_ERROR(named);
    if (named) {
        REQUIRE(strcmp(ad_tree_name(named, 0), text) == 0 && ad_tree_get(named, text));
        REQUIRE(ad_size(ad_flatten(named)) == 2);
    }
    free(text);
}
