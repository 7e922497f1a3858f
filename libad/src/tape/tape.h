/* The whole interface of tape/ to its neighbours, and of its files to each other.
 *
 * A trace lasts from the start of an outermost differentiation to its end. It has a serial number that is never reused.
 * Its slots are numbered upwards, and no number is used twice. Differentiations nest as levels on a stack. Level k owns
 * bit k of the masks while it is open, and its bit leaves every slot when it closes. An array names its slot. What the
 * array depends on stands in the slot and nowhere else, so a value that outlives its level, or whose slot is gone, is a
 * constant. A level reserves the next slot when it starts, its floor: whatever was made before has a smaller number. */
#ifndef AD_TAPE_INTERNAL_H
#define AD_TAPE_INTERNAL_H

#include "ad/inspect.h"
#include "ad/primitive.h"
#include "array/error.h"
#include "array/scope.h"
#include "array/shape.h"
#include "array/tree.h"
#include "tape/fields.h"
#include "tape/operations.h"
#include <string.h>

enum { AD_MAX_LEVELS = 64, AD_PAGE_SLOTS = 256, AD_SHAPED_STUBS = 8, AD_REAL_CALL_BITS = 8 };
#define AD_NO_PARENT UINT32_MAX

/* Which function of a primitive runs, and so what it may ask of its node. */
typedef enum ad_stage {
    AD_STAGE_RULE,  /* a rule, or `direct` */
    AD_STAGE_INFER, /* sees no array */
    AD_STAGE_VALUE  /* eval, view or compose: infer has said what the outputs will be */
} ad_stage;

/* What the functions of a primitive see of a call. It is made on the stack when the call is applied, and again when it
 * is swept. */
struct ad_node {
    const ad_primitive *op;
    const void *options;
    ad_array *const *inputs;
    ad_array *const *outputs;
    ad_array *const *cotangents;
    struct ad_slot *taker; /* in a sweep: the slot that takes the cotangent of the operand that is asked for; NULL: it is not known */
    const ad_spec *specs;  /* what infer said of the outputs, in AD_STAGE_VALUE */
    int count, target;
    ad_stage stage;
};

/* Refuses a call with an error that begins with the name of its operation: return
 * AD_REFUSE(node, AD_ERROR_SHAPE, "%d rows", rows). */
#define AD_REFUSE(node, code, format, ...) AD_FAIL(code, "%s: " format, (node)->op->name, ##__VA_ARGS__)

/* What infer may know of an input, without a copy of its shape. */
AD_ALWAYS_INLINE int ad_input_ndim(const struct ad_node *node, int operand)
{
    return node->inputs[operand]->ndim;
}

AD_ALWAYS_INLINE const int64_t *ad_input_dims(const struct ad_node *node, int operand)
{
    return ad_dims(node->inputs[operand]);
}

AD_ALWAYS_INLINE int64_t ad_input_size(const struct ad_node *node, int operand)
{
    return node->inputs[operand]->size;
}

AD_ALWAYS_INLINE ad_dtype ad_input_dtype(const struct ad_node *node, int operand)
{
    return (ad_dtype)node->inputs[operand]->dtype;
}

AD_ALWAYS_INLINE bool ad_input_is_number(const struct ad_node *node, int operand)
{
    return node->inputs[operand]->flags & AD_WEAK;
}

AD_ALWAYS_INLINE bool ad_inputs_same_shape(const struct ad_node *node, int a, int b)
{
    return ad_same_shape(node->inputs[a], node->inputs[b]);
}

/* What infer said of an output, while the value is computed. */
AD_ALWAYS_INLINE const ad_spec *ad_output_spec(const struct ad_node *node, int k)
{
    return &node->specs[k];
}

/* The common dtype of `count` inputs from `first` on. */
static inline ad_dtype ad_input_dtype_common(const struct ad_node *node, int first, int count)
{
    return ad_dtype_common(node->inputs + first, count);
}

/* The shape of an input, for an error sentence. */
#define AD_INPUT_TEXT(node, operand) AD_SHAPE_TEXT((node)->inputs[operand])

/* The bits of `borrowed`: what a slot holds in another way than most.
 *
 * AD_BORROWED_FIRST, AD_BORROWED_SECOND: this input is a shared stub that the slot does not own. A simple call of one
 * input has the
 *     second bit set too.
 * AD_SLOT_SIMPLE: the call has one or two inputs, each a scalar, a C number or a stub of one. Its output is a scalar,
 * and its
 *     options stand in the slot.
 * AD_SLOT_VALUES: a simple call whose inputs and output stand in the slot as doubles. It holds no references. Its
 * options are
 *     those of `call`.
 * AD_SLOT_HOLLOW: the call waits until its run is computed again. It holds no outputs, and only the inputs that its run
 * did not
 *     make.
 * AD_SLOT_SCALARS: a hollow call that was simple. It holds doubles in place of its inputs. AD_SLOT_PARTS: the slot
 * holds the parts of its cotangent, which are not joined yet. */
enum { AD_BORROWED_FIRST = 1, AD_BORROWED_SECOND = 2, AD_SLOT_SIMPLE = 4, AD_SLOT_HOLLOW = 8, AD_SLOT_SCALARS = 16, AD_SLOT_PARTS = 32, AD_SLOT_VALUES = 64 };

/* The form of a slot's cotangent. 0: there is none, or it is an array. Otherwise it is a scalar: AD_COTANGENT_SCALAR
 * depends on no level in sight, AD_COTANGENT_REAL on reverse levels. */
enum { AD_COTANGENT_SCALAR = 1, AD_COTANGENT_REAL = 2 };

/* A recorded call. An operation of several outputs takes one slot for each. The first slot holds everything. The others
 * are `tail` slots, which hold only a cotangent. */
struct ad_slot {
    const ad_primitive *op; /* NULL: unused, tail, or the input of a level */
    union {
        const void *options;
        char small_options[8]; /* if options_size is at most 8 */
        struct ad_real_call *call; /* AD_SLOT_VALUES */
    };
    uint64_t mask; /* of reverse levels; 0: dead */
    union {
        ad_array *cotangent;
        double scalar;         /* AD_COTANGENT_SCALAR */
        struct ad_real *real;  /* AD_COTANGENT_REAL: a block of its own */
        struct ad_parts *parts; /* AD_SLOT_PARTS */
    };
    union {
        ad_array *output;   /* one output */
        double value;       /* AD_SLOT_VALUES */
        ad_array **outputs; /* several outputs; NULL where one is not saved */
        struct ad_run *run; /* of a hollow call: the innermost one */
    };
    uint32_t count; /* inputs */
    uint8_t outputs_count, tail;
    uint8_t borrowed; /* AD_BORROWED_FIRST and so on */
    uint8_t numeric; /* AD_COTANGENT_SCALAR and so on */
    union {
        struct {
            union {
                ad_array *inputs[2];
                double values[2]; /* AD_SLOT_VALUES */
            };
            uint32_t parents[2]; /* the second is AD_NO_PARENT if there is one input */
        };
        struct {
            ad_array **many_inputs; /* for count > 2 */
            uint32_t *many_parents; /* in the same block, behind the inputs */
        };
    };
};

struct ad_page {
    uint32_t alive; /* slots that were not cleared, including those not used yet */
    struct ad_slot slots[AD_PAGE_SLOTS];
};

/* Slots by number, in pages. A page whose slots are all dead is given back. */
struct ad_slots {
    struct ad_page **pages;
    struct ad_slot *free; /* the next one; NULL: its page has to be opened */
    uint32_t page_capacity, first, next;
};

typedef enum ad_level_kind { AD_LEVEL_REVERSE, AD_LEVEL_FORWARD } ad_level_kind;

struct ad_level {
    ad_level_kind kind;
    uint32_t floor;
    uint64_t serial;
    struct ad_run *runs; /* of checkpointed functions; the last one comes first */
};

/* A run of a checkpointed function: checkpoint.c. */
struct ad_run {
    uint32_t start, end; /* its slots; those that depend only on `level` may be hollow */
    int level;
    bool hollow;
    struct ad_run *before; /* the run in progress when this one began */
    struct ad_run *outer;  /* the run of the same level around this one */
    struct ad_run *next;   /* of the level */
};

struct ad_memo;

struct ad_tape {
    struct ad_slots slots;
    uint64_t serial;         /* of this trace; 0: there is none */
    union {
        struct ad_tracing tracing;
        struct {
            uint64_t live;      /* bits of the levels that operations see */
            struct ad_run *run; /* the innermost one in progress */
            int depth;          /* number of open levels */
        };
    };
    uint64_t forward;        /* bits of the open forward levels */
    uint64_t extracted;      /* bits of the open levels whose slots a pullback will take */
    uint64_t last_serial, serials_end; /* what is left of a block of serials */
    uint32_t floor;          /* of the innermost open level */
    struct ad_level levels[AD_MAX_LEVELS];
    ad_array *stubs[AD_DTYPE_COUNT]; /* abstract 0-d arrays: each stands for inputs of its dtype that are not saved */
    ad_array *shaped[AD_SHAPED_STUBS]; /* the stubs with dimensions that this trace made last; the size says which place one has */
    struct ad_memo *memo;            /* of transformed functions, closure.c */
    struct ad_real_call *calls[1 << AD_REAL_CALL_BITS]; /* calls on scalars, by operation: rule.c */
    struct ad_real_call *sum;        /* the call that adds */
    uint32_t calls_count;
    struct ad_recorder *recorder;    /* writes down the calls of a rule; NULL: there is none */
};

/* tape.c: slots, levels */
struct ad_tape *ad_tape_of(ad_context *c); /* makes it; NULL and an error */
static inline struct ad_slot *ad_slot_at(const struct ad_slots *slots, uint32_t index)
{
    return &slots->pages[index / AD_PAGE_SLOTS]->slots[index % AD_PAGE_SLOTS];
}

bool ad_page_open(ad_context *c, struct ad_slots *slots);

/* The next slot, whose page is open. The caller fills it in. */
AD_ALWAYS_INLINE struct ad_slot *ad_slot_take(struct ad_slots *slots, uint32_t *index)
{
    struct ad_slot *slot = slots->free;
    *index = slots->next++;
    slots->free = slots->next % AD_PAGE_SLOTS ? slot + 1 : NULL;
    return slot;
}

/* A zeroed slot; NULL and an error. */
AD_ALWAYS_INLINE struct ad_slot *ad_slot_append(ad_context *c, struct ad_slots *slots, uint32_t *index)
{
    if (__builtin_expect(!slots->free, 0) && !ad_page_open(c, slots))
        return NULL;
    struct ad_slot *slot = ad_slot_take(slots, index);
    *slot = (struct ad_slot){ .outputs_count = 1 };
    return slot;
}

/* Whether the slot was cleared already, for example by the sweep. */
static inline bool ad_slot_is_empty(const struct ad_slot *slot)
{
    return slot->outputs_count == 0 && !slot->tail;
}

bool ad_slot_clear(ad_context *c, struct ad_slots *slots, uint32_t index); /* false: its page no longer exists */

/* Whether a call has one output, at most two inputs and options that take no memory, and is not hollow. Simple calls
 * are short, and so are most others. */
AD_ALWAYS_INLINE bool ad_slot_is_short(const struct ad_slot *slot)
{
    return slot->borrowed & AD_SLOT_SIMPLE ||
           (slot->outputs_count == 1 && slot->count <= 2 && slot->op && !slot->op->pull && !(slot->borrowed & AD_SLOT_HOLLOW) &&
            slot->op->options_size <= sizeof slot->small_options && (!slot->op->options_size || !ad_options_refer(slot->op)));
}

/* Drops what a short call holds, and leaves a dead slot. Its cotangent may be a scalar, but not an array. */
AD_ALWAYS_INLINE void ad_slot_empty_short(ad_context *c, struct ad_slot *slot)
{
    if (!(slot->borrowed & AD_SLOT_VALUES)) {
        if (!(slot->borrowed & AD_BORROWED_FIRST))
            ad_drop(c, slot->inputs[0]);
        if (!(slot->borrowed & AD_BORROWED_SECOND))
            ad_drop(c, slot->inputs[1]);
        ad_drop(c, slot->output);
    }
    slot->mask = 0;
    slot->outputs_count = 0;
}

void ad_slots_free(ad_context *c, struct ad_slots *slots);
bool ad_slot_inputs(ad_context *c, struct ad_slot *slot, int count); /* makes room */

/* Sets op and the options. */
AD_ALWAYS_INLINE bool ad_slot_options(ad_context *c, struct ad_slot *slot, const ad_primitive *op, const void *options)
{
    if (!op->options_size)
        slot->options = options;
    else if (!ad_options_copy(c, op, options, !c->tape->run, &slot->options))
        return false;
    slot->op = op;
    return true;
}

/* parts.c: cotangents that arrive in parts */
/* g is the cotangent of the output of a call that shows a part of what the slot stands for. */
bool ad_parts_add(ad_context *c, struct ad_slot *slot, const struct ad_node *node, ad_array *g);
ad_array *ad_parts_join(ad_context *c, struct ad_slot *slot); /* the slot's cotangent, which from now on belongs to the slot; NULL and an error */
void ad_parts_drop(ad_context *c, struct ad_slot *slot);

void ad_cotangent_drop_real(ad_context *c, struct ad_slot *slot); /* reverse.c */

/* The transpose of `op`, a primitive with vjp_into, for a first input like `like`: a value in its place among zeros.
 * `part` has the value first, then op's parameters. */
ad_array *ad_transposed(const ad_primitive *op, const void *options, ad_array *like, ad_array *const *part, int count);

/* For the vjp of a primitive of one input whose derivative is `op`, a primitive with vjp_into: the cotangent of that
 * input. The first of `part` is the cotangent of op's output, the others are op's parameters. In a sweep it is added
 * to the slot at once, and the result is NULL: the rule has nothing left to give. */
ad_array *ad_cotangent_of_part(const ad_node *node, const ad_primitive *op, const void *options, ad_array *const *part, int count);

static inline void ad_cotangent_drop(ad_context *c, struct ad_slot *slot)
{
    if (!slot->numeric && !slot->cotangent)
        return;
    if (slot->borrowed & AD_SLOT_PARTS)
        ad_parts_drop(c, slot);
    else if (slot->numeric == AD_COTANGENT_REAL)
        ad_cotangent_drop_real(c, slot);
    else if (!slot->numeric)
        ad_drop(c, slot->cotangent);
    slot->cotangent = NULL;
    slot->numeric = 0;
}

int ad_level_open(ad_context *c, ad_level_kind kind, bool extracted); /* extracted: a pullback will take the slots. -1 and an error */
void ad_level_hide(ad_context *c, int level);         /* operations no longer see it, nor the levels inside it */
void ad_level_close(ad_context *c, int level);        /* and frees what only this level needed */

const void *ad_options_of_values(const struct ad_slot *slot);

AD_ALWAYS_INLINE const void *ad_options_of(const struct ad_slot *slot)
{
    return slot->borrowed & AD_SLOT_VALUES ? ad_options_of_values(slot) : ad_options_at(slot->op, &slot->options);
}

static inline ad_array **ad_inputs_of(struct ad_slot *slot)
{
    return slot->count <= 2 ? slot->inputs : slot->many_inputs;
}

static inline uint32_t *ad_parents_of(struct ad_slot *slot)
{
    return slot->count <= 2 ? slot->parents : slot->many_parents;
}

/* memo.c */
void ad_memo_free(ad_context *c, struct ad_memo *memo);

/* Whether a reverse rule reads input i of a call. `wanted` is the number of inputs that cotangents are asked for,
 * and `takes` says whether input i is one of them. */
AD_ALWAYS_INLINE bool ad_reads_input(const ad_primitive *op, int i, int wanted, bool takes)
{
    return op->saves & AD_SAVE_INPUT(i) || (op->saves & AD_SAVE_OTHERS && wanted > takes);
}

/* An array of x's shape and dtype without values; NULL and an error. */
ad_array *ad_stub_of_shape(ad_context *c, const ad_array *x, ad_array **place);

AD_ALWAYS_INLINE ad_array *ad_stub_of(ad_context *c, const ad_array *x)
{
    if (x->ndim == 0)
        return c->tape->stubs[x->dtype];
    ad_array **place = &c->tape->shaped[(uint64_t)x->size * UINT64_C(0x9e3779b97f4a7c15) >> 61], *stub = *place;
    return stub && stub->dtype == x->dtype && ad_same_shape(stub, x) ? stub : ad_stub_of_shape(c, x, place);
}

/* apply.c */
extern const ad_primitive ad_identity_op; /* of an input of a level */
bool ad_slot_fill_outputs(ad_context *c, struct ad_slot *slot, const ad_primitive *op, ad_array *const *outputs, int outputs_count);
bool ad_apply(ad_context *c, const ad_primitive *op, ad_array *const *inputs, int count, const void *options, ad_array **outputs);
ad_array *ad_call_general(const ad_primitive *op, ad_array *const *inputs, int count, const void *options); /* not by the short way of scalars */

/* A checked build refuses operands that were dropped. False and an error. */
#ifdef AD_CHECKED
bool ad_all_alive(const ad_primitive *op, ad_array *const *inputs, int count);
#else
AD_ALWAYS_INLINE bool ad_all_alive(const ad_primitive *op, ad_array *const *inputs, int count)
{
    (void)op, (void)inputs, (void)count;
    return true;
}
#endif

/* Whether another thread made x. If x has a serial, it depended on something there. */
static inline bool ad_is_foreign(const ad_context *c, const ad_array *x)
{
    return x->object.owner != c->id;
}

/* The product of a tangent or cotangent with a derivative d that a rule gave. The rule made what entered the scopes
 * after the first `made` entries. If d is among them and is recorded nowhere, the product takes its memory. */
ad_array *ad_times_array(ad_context *c, ad_array *t, ad_array *d, uint32_t made);

AD_ALWAYS_INLINE ad_array *ad_times(ad_context *c, ad_array *t, ad_array *d, uint32_t made)
{
    return d == c->numbers[AD_NUMBER_ONE] ? t : t->ndim == 0 ? ad_zzmul(t, d) : ad_times_array(c, t, d, made);
}

/* Bits of the forward levels in sight for which x has a tangent. */
AD_ALWAYS_INLINE uint64_t ad_forward_mask(const struct ad_tape *tape, const ad_array *x)
{
    uint64_t mask = 0;
    for (const struct ad_tangent *t = x->tangents; t; t = t->next)
        if (t->level == tape->levels[t->depth].serial)
            mask |= UINT64_C(1) << t->depth;
    return mask & tape->forward & tape->live;
}

static inline bool ad_has_parameters(const ad_primitive *op)
{
    return op->parameters || op->is_parameter;
}

static inline bool ad_is_parameter(const struct ad_node *node, int operand)
{
    const ad_primitive *op = node->op;
    return op->is_parameter ? op->is_parameter(node, operand) : operand < 32 && op->parameters >> operand & 1;
}

/* ad_node_input and ad_node_output, for the rules that scalar code runs through. */
ad_array *ad_unreadable(const ad_node *node, const char *what, int i);

AD_ALWAYS_INLINE ad_array *ad_saved_input(const ad_node *node, int operand)
{
    ad_array *x = node->inputs[operand];
    return __builtin_expect(x && !(x->flags & AD_ABSTRACT), 1) ? x : ad_unreadable(node, "input", operand);
}

AD_ALWAYS_INLINE ad_array *ad_saved_output(const ad_node *node, int k)
{
    ad_array *x = node->outputs[k];
    return __builtin_expect(x && !(x->flags & AD_ABSTRACT), 1) ? x : ad_unreadable(node, "output", k);
}

/* The reverse levels, including hidden ones, that x, an array of the current trace, depends on. */
AD_ALWAYS_INLINE uint64_t ad_recorded_mask(const struct ad_tape *tape, const ad_array *x)
{
    const struct ad_page *page = x->slot ? tape->slots.pages[x->slot / AD_PAGE_SLOTS] : NULL;
    return page ? page->slots[x->slot % AD_PAGE_SLOTS].mask : 0;
}

/* The same for any array. */
static inline uint64_t ad_reverse_mask(const struct ad_tape *tape, const ad_array *x)
{
    return x->slot && x->serial == tape->serial ? ad_recorded_mask(tape, x) : 0;
}

/* The levels that x, an array of the current trace, depends on. */
AD_ALWAYS_INLINE uint64_t ad_mask_in_trace(const struct ad_tape *tape, const ad_array *x)
{
    uint64_t mask = ad_recorded_mask(tape, x) & tape->live;
    return __builtin_expect(x->tangents != NULL, 0) ? mask | ad_forward_mask(tape, x) : mask;
}

/* The same for any array. */
static inline uint64_t ad_live_mask(const struct ad_tape *tape, const ad_array *x)
{
    return x->serial && tape && x->serial == tape->serial ? ad_mask_in_trace(tape, x) : 0;
}

ad_array *ad_lift(ad_context *c, ad_array *x, int level, ad_array *tangent); /* x as the input of a level */

/* Whether there is only one reference to x and its memory, so that whoever holds it may write to it. */
static inline bool ad_is_private(const ad_array *x)
{
    return x->object.local == 1 && !(x->flags & AD_WEAK) && atomic_load_explicit(&x->object.shared, memory_order_acquire) == 1 && !x->serial &&
           x->flags & AD_CONTIGUOUS &&
           (!(x->flags & AD_STORED) || (atomic_load_explicit(&x->storage->refs, memory_order_acquire) == 1 && !x->storage->release));
}

/* scalar.c: for a primitive whose code is that of a loop */
double ad_elementwise_scalar(const ad_primitive *op, const void *options, double x, double y);

/* rule.c */
bool ad_rule_takes(ad_context *c, const ad_primitive *op, ad_array *const *inputs, int count, const void *options, ad_array **z);
void ad_real_calls_free(ad_context *c, struct ad_tape *tape);

/* The library's own records: pointers in a section of their own, which the linker puts side by side. */
#ifdef __APPLE__
#define AD_TABLE_SECTION "__DATA,ad_operations"
extern const ad_primitive *const ad_table_start[] __asm("section$start$__DATA$ad_operations");
extern const ad_primitive *const ad_table_end[] __asm("section$end$__DATA$ad_operations");
#else
#define AD_TABLE_SECTION "ad_operations"
extern const ad_primitive *const __start_ad_operations[] __attribute__((visibility("hidden")));
extern const ad_primitive *const __stop_ad_operations[] __attribute__((visibility("hidden")));
#define ad_table_start __start_ad_operations
#define ad_table_end   __stop_ad_operations
#endif

static inline bool ad_is_own(const ad_primitive *op)
{
    for (const ad_primitive *const *own = ad_table_start; own < ad_table_end; own++)
        if (*own == op)
            return true;
    return op == &ad_identity_op;
}

/* forward.c */
bool ad_tangent_find(ad_context *c, const ad_array *x, int level, ad_array **tangent); /* the tangent belongs to x; NULL: zero. False and an error */
bool ad_tangent_attach(ad_context *c, ad_array *x, int level, ad_array *tangent);

/* A new tangent of x; NULL and an error. The caller sets its value, or its scalar and slot. */
AD_ALWAYS_INLINE struct ad_tangent *ad_tangent_add(ad_context *c, ad_array *x, int level)
{
    struct ad_tangent *t = ad_allocate_small(c, sizeof *t);
    if (!t)
        return NULL;
    t->level = c->tape->levels[level].serial;
    t->value = NULL;
    t->next = x->tangents;
    t->depth = level;
    x->tangents = t;
    x->object.kind = ad_is_scalar(x) ? AD_DUAL_SCALAR : AD_ARRAY;
    return t;
}

/* The tangent of x for a level; NULL if it has none. */
AD_ALWAYS_INLINE struct ad_tangent *ad_tangent_of(const struct ad_tape *tape, const ad_array *x, int level)
{
    struct ad_tangent *t = x->tangents;
    while (t && t->level != tape->levels[level].serial)
        t = t->next;
    return t;
}

/* Gives the outputs of a call their tangents. `mask`: the levels in sight that the call depends on. What else the rules
 * make is dropped. */
bool ad_push_tangents(ad_context *c, struct ad_node *node, uint64_t mask, ad_array **outputs, int outputs_count);

/* reverse.c: sweeps the slots from `from` down to `to`, but not `to` itself. Cotangents reach slots from `floor` on;
 * those of the level's inputs stay there. discard: slots are freed on the way, if no other level needs them. */
bool ad_sweep(ad_context *c, struct ad_slots *slots, uint32_t from, uint32_t to, uint64_t bit, uint32_t floor, bool discard);
bool ad_cotangent_add(ad_context *c, struct ad_slot *slot, ad_array *g);
ad_array *ad_cotangent_of(ad_context *c, struct ad_slot *slot); /* an array that belongs to the slot; NULL: there is none, or an error */

/* watch.c: who sees every call */
struct ad_watch {
    ad_call_hook *hook;
    void *context;
    const struct ad_watch *next; /* the one that began before it */
};

double ad_watch_clock(void); /* seconds */

/* Reports a call that was computed since `start`. False and an error: somebody refuses it. */
bool ad_watch_tell(ad_context *c, const struct ad_node *node, ad_array *const *outputs, int outputs_count, double start);

static inline int ad_watch_depth(const ad_context *c)
{
    return c->frame ? c->frame->depth : 0;
}

static inline const struct ad_watch *ad_watch_trace(const ad_context *c)
{
    return c->frame ? c->frame->trace : NULL;
}

/* Whether the frame is within a hook that is told of a call: only traces that began there watch. */
static inline bool ad_watch_is_apart(const struct ad_frame *frame)
{
    return frame && frame->apart;
}

/* Watches calls for a trace, in a frame that becomes the innermost one. The caller ends it by putting back the frame
 * before. A trace that is left by a longjmp or an exception ends with its scope, which puts back the frame. False and
 * an error. */
bool ad_watch_begin(ad_context *c, struct ad_frame *frame, const struct ad_watch *trace);
void ad_watch_end(ad_context *c, const struct ad_frame *before);

/* The frame of the rules of op, which becomes the innermost one. Gives the frame before, which the caller puts back. */
static inline const struct ad_frame *ad_watch_rules(ad_context *c, struct ad_frame *frame, ad_call_phase phase, const ad_primitive *op)
{
    const struct ad_frame *outer = c->frame;
    *frame = (struct ad_frame){
        .depth = ad_watch_depth(c), .phase = (int)phase, .rule_of = op, .trace = ad_watch_trace(c), .apart = ad_watch_is_apart(outer)
    };
    c->frame = frame;
    return outer;
}

/* What the environment asks for: profile.c, finite.c */
void ad_profile_start(struct ad_watch *watch);                 /* fills it in */
void ad_profile_stop(struct ad_watch *watch, uint32_t thread); /* prints the table */
ad_call_hook ad_refuse_not_finite;

/* checkpoint.c */
bool ad_run_needs(const struct ad_run *run, const ad_array *x, uint64_t mask); /* x is an input of a call that a run could not compute again */
bool ad_slot_fill(ad_context *c, struct ad_slot *slot);                        /* makes a hollow call whole; false and an error */
void ad_runs_free(ad_context *c, struct ad_level *level);

ad_array *ad_match(ad_array *g, const ad_array *like); /* g in the shape and dtype of `like` */

/* ---- apply.c, for the files of operations ---- */

/* An input as it is: for infer (shape, dtype), eval and view (data too). Reverse rules use ad_node_input. */
ad_array *ad_node_operand(const ad_node *node, int operand);

/* The infer of operations that keep the shape and dtype of their first input. */
bool ad_same_infer(const ad_node *node, ad_spec *output);

#endif
