/* The memo of a thread. It finds the function that was made earlier from the same parts, so asking for a gradient in a
 * loop makes nothing new. It also finds the function that a C function pointer was made for.
 *
 * There are two hash tables of chains over the same functions. They double when there are as many functions as
 * chains. */
#include "array/hash.h"
#include "tape/function.h"
#include <pthread.h>
#include <string.h>

struct table {
    ad_fn **chains;
    uint32_t size; /* a power of 2, or 0 */
    uint32_t count;
};

struct ad_memo {
    ad_fn *first; /* of all */
    struct table parts, pointers;
};

/* ---- memory of closures ---- */

/* Two threads may not make libffi's first closure at once. No process may be copied by fork while one is being made:
 * the child would find it locked. */
static pthread_mutex_t closures_lock = PTHREAD_MUTEX_INITIALIZER;

static void lock_closures(void)
{
    pthread_mutex_lock(&closures_lock);
}

static void unlock_closures(void)
{
    pthread_mutex_unlock(&closures_lock);
}

__attribute__((constructor)) static void start(void)
{
    pthread_atfork(lock_closures, unlock_closures, unlock_closures);
}

ffi_closure *ad_closure_new(void **code)
{
    lock_closures();
    ffi_closure *closure = ffi_closure_alloc(sizeof *closure, code);
    unlock_closures();
    return closure;
}

void ad_closure_free(ffi_closure *closure)
{
    if (!closure)
        return;
    lock_closures();
    ffi_closure_free(closure);
    unlock_closures();
}

/* ---- the memo ---- */

static struct ad_memo *memo_of(ad_context *c)
{
    struct ad_tape *tape = ad_tape_of(c);
    if (tape && !tape->memo && (tape->memo = ad_allocate(c, sizeof *tape->memo)))
        *tape->memo = (struct ad_memo){ 0 };
    return tape ? tape->memo : NULL;
}

/* A sentence stands behind the function that it belongs to. */
static size_t bytes_of(const ad_fn *fn)
{
    return sizeof *fn + (fn->sentence ? strlen(fn->sentence) + 1 : 0);
}

void ad_memo_free(ad_context *c, struct ad_memo *memo)
{
    for (ad_fn *fn = memo ? memo->first : NULL, *next; fn; fn = next) {
        next = fn->next;
        if (fn->release)
            fn->release(fn->context);
        ad_closure_free(fn->closure);
        ad_deallocate(c, fn, bytes_of(fn));
    }
    if (!memo)
        return;
    ad_deallocate(c, memo->parts.chains, memo->parts.size * sizeof(ad_fn *));
    ad_deallocate(c, memo->pointers.chains, memo->pointers.size * sizeof(ad_fn *));
    ad_deallocate(c, memo, sizeof *memo);
}

/* ---- keys ---- */

static uint64_t text_hash(uint64_t hash, const char *text)
{
    for (; text && *text; text++)
        hash = ad_hash(hash, (unsigned char)*text);
    return hash;
}

static uint64_t hash_of_parts(const ad_fn *fn)
{
    uint64_t hash = ad_hash((uintptr_t)fn->transform, (uintptr_t)fn->name);
    hash = ad_hash(hash, (uintptr_t)fn->inner);
    hash = ad_hash(hash, (uintptr_t)fn->outer);
    hash = ad_hash(hash, (uintptr_t)fn->context);
    hash = ad_hash(hash, (uint64_t)fn->argnum << 8 | (unsigned char)fn->result);
    hash = ad_hash(hash, fn->transform ? 0 : (uintptr_t)fn->pointer);
    return text_hash(text_hash(hash, fn->arguments), fn->sentence);
}

static uint64_t hash_of_pointer(const ad_fn *fn)
{
    return ad_hash(0, (uintptr_t)fn->pointer);
}

static bool same(const ad_fn *a, const ad_fn *b)
{
    return a->transform == b->transform && a->name == b->name && a->inner == b->inner && a->outer == b->outer && a->context == b->context &&
           a->argnum == b->argnum && (a->transform || a->pointer == b->pointer) && a->result == b->result && strcmp(a->arguments, b->arguments) == 0 &&
           a->code == b->code && (!a->sentence || strcmp(a->sentence, b->sentence) == 0);
}

/* ---- the tables: `link` is where a function keeps the next one of its chain ---- */

typedef uint64_t hash_of(const ad_fn *fn);

static ad_fn **link_of(ad_fn *fn, hash_of *hash)
{
    return hash == hash_of_parts ? &fn->next_of_parts : &fn->next_of_pointer;
}

static ad_fn **chain_of(const struct table *table, uint64_t hash)
{
    return &table->chains[hash >> 32 & (table->size - 1)];
}

static void put(const struct table *table, ad_fn *fn, hash_of *hash)
{
    ad_fn **chain = chain_of(table, hash(fn));
    *link_of(fn, hash) = *chain;
    *chain = fn;
}

/* Makes room for one more function. Without memory chains grow longer; only the first ones are needed. */
static bool make_room(ad_context *c, struct table *table, hash_of *hash)
{
    if (table->count < table->size)
        return true;
    struct table larger = { .size = table->size ? 2 * table->size : 64, .count = table->count };
    larger.chains = ad_allocate(c, larger.size * sizeof(ad_fn *));
    if (!larger.chains)
        return false;
    memset(larger.chains, 0, larger.size * sizeof(ad_fn *));
    for (uint32_t i = 0; i < table->size; i++)
        for (ad_fn *fn = table->chains[i], *next; fn; fn = next) {
            next = *link_of(fn, hash);
            put(&larger, fn, hash);
        }
    ad_deallocate(c, table->chains, table->size * sizeof(ad_fn *));
    *table = larger;
    return true;
}

/* ---- functions ---- */

static ffi_type *type_of(char kind)
{
    return kind == 'i' ? &ffi_type_sint : kind == 'l' ? &ffi_type_sint64 : kind == 'd' ? &ffi_type_double : &ffi_type_pointer;
}

ad_fn *ad_fn_memoised(ad_context *c, const ad_fn *made)
{
    struct ad_memo *memo = memo_of(c);
    if (!memo || !make_room(c, &memo->parts, hash_of_parts))
        return NULL;
    for (ad_fn *fn = *chain_of(&memo->parts, hash_of_parts(made)); fn; fn = fn->next_of_parts)
        if (same(fn, made))
            return fn;
    ad_fn *fn = ad_allocate(c, bytes_of(made));
    if (!fn)
        return NULL;
    *fn = *made;
    if (made->sentence)
        fn->sentence = strcpy((char *)(fn + 1), made->sentence);
    for (int i = 0; i < fn->count; i++)
        fn->types[i] = type_of(fn->arguments[i]);
    if (ffi_prep_cif(&fn->cif, FFI_DEFAULT_ABI, (unsigned)fn->count, &ffi_type_pointer, fn->types) != FFI_OK) {
        ad_deallocate(c, fn, bytes_of(made));
        return ad_set_error(AD_ERROR_TRANSFORM, "ad_function: libffi cannot call signature %s", AD_SIGNATURE_TEXT(made));
    }
    fn->next = memo->first;
    memo->first = fn;
    memo->parts.count++;
    put(&memo->parts, fn, hash_of_parts);
    return fn;
}

ad_fn *ad_fn_of_closure(ad_context *c, void (*pointer)(void))
{
    const struct ad_memo *memo = c->tape ? c->tape->memo : NULL;
    const ad_fn key = { .pointer = pointer };
    ad_fn *fn = memo && memo->pointers.size ? *chain_of(&memo->pointers, hash_of_pointer(&key)) : NULL;
    while (fn && fn->pointer != pointer)
        fn = fn->next_of_pointer;
    return fn;
}

bool ad_fn_has_closure(ad_context *c, ad_fn *fn)
{
    struct ad_memo *memo = memo_of(c);
    if (!memo || !make_room(c, &memo->pointers, hash_of_pointer))
        return false;
    memo->pointers.count++;
    put(&memo->pointers, fn, hash_of_pointer);
    return true;
}
