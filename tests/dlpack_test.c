/* DLPack: what goes out has the array's own memory and keeps it, what comes in is a view of the other library's, and
 * bad tensors are refused. */
#include "testing.h"

/* A tensor of another library, which counts how often it is deleted. */
struct foreign {
    ad_dlpack_versioned versioned;
    ad_dlpack_managed managed;
    int64_t shape[3], strides[3];
    double data[12];
    int deletes;
};

static void versioned_deleted(ad_dlpack_versioned *self)
{
    ((struct foreign *)self->context)->deletes++;
}

static void managed_deleted(ad_dlpack_managed *self)
{
    ((struct foreign *)self->context)->deletes++;
}

/* float64, (2,3), in C order: 0 to 5. */
static void make(struct foreign *f)
{
    *f = (struct foreign){ .shape = { 2, 3 }, .strides = { 3, 1 } };
    for (int i = 0; i < 12; i++)
        f->data[i] = i;
    ad_dlpack_tensor tensor = { .data = f->data, .device = { AD_DLPACK_CPU, 0 }, .ndim = 2, .dtype = { AD_DLPACK_FLOAT, 64, 1 }, .shape = f->shape };
    f->versioned = (ad_dlpack_versioned){ .major = 1, .minor = 7, .context = f, .deleter = versioned_deleted, .tensor = tensor };
    f->managed = (ad_dlpack_managed){ .tensor = tensor, .context = f, .deleter = managed_deleted };
}

START_TEST(structs_have_the_published_layout)
{
    ck_assert_uint_eq(sizeof(ad_dlpack_tensor), 48);
    ck_assert_uint_eq(offsetof(ad_dlpack_tensor, device), 8);
    ck_assert_uint_eq(offsetof(ad_dlpack_tensor, ndim), 16);
    ck_assert_uint_eq(offsetof(ad_dlpack_tensor, dtype), 20);
    ck_assert_uint_eq(offsetof(ad_dlpack_tensor, dtype.lanes), 22);
    ck_assert_uint_eq(offsetof(ad_dlpack_tensor, shape), 24);
    ck_assert_uint_eq(offsetof(ad_dlpack_tensor, byte_offset), 40);
    ck_assert_uint_eq(sizeof(ad_dlpack_managed), 64);
    ck_assert_uint_eq(sizeof(ad_dlpack_versioned), 80);
    ck_assert_uint_eq(offsetof(ad_dlpack_versioned, tensor), 32);
}
END_TEST

/* ---- out ---- */

START_TEST(array_goes_out_without_a_copy)
{
    ad_array *x = ad_transpose(counting(AD_SHAPE(20, 30)));
    ad_dlpack_versioned *t = ad_to_dlpack(x);
    ck_assert(t && t->major == 1 && t->minor == 0 && t->flags == AD_DLPACK_READ_ONLY);
    ck_assert(t->tensor.device.type == AD_DLPACK_CPU && t->tensor.dtype.code == AD_DLPACK_FLOAT && t->tensor.dtype.bits == 64 && t->tensor.dtype.lanes == 1);
    ck_assert(t->tensor.ndim == 2 && t->tensor.shape[0] == 30 && t->tensor.shape[1] == 20 && t->tensor.strides[0] == 1 && t->tensor.strides[1] == 30);
    ck_assert_ptr_eq(t->tensor.data, ad_data(ad_transpose(x)));
    t->deleter(t);
    ad_dlpack_managed *m = ad_to_dlpack_managed(ad_at(x, "::-1, 3"));
    ck_assert(m->tensor.ndim == 1 && m->tensor.strides[0] == -1 && *(const double *)m->tensor.data == 3 * 30 + 29);
    m->deleter(m);
}
END_TEST

START_TEST(every_dtype_goes_out_and_comes_back)
{
    for (int dtype = 0; dtype < AD_DTYPE_COUNT; dtype++) {
        ad_array *x = ad_astype(counting(AD_SHAPE(2, 3)), (ad_dtype)dtype);
        ad_array *y = ad_from_dlpack(ad_to_dlpack(x)), *z = ad_from_dlpack_managed(ad_to_dlpack_managed(x));
        double most = dtype == AD_BOOL ? 1 : 5;
        ck_assert_msg(y && z && ad_dtype_of(y) == (ad_dtype)dtype && ad_dtype_of(z) == (ad_dtype)dtype, "%s", ad_error_message());
        assert_array(ad_astype(y, AD_F64), AD_SHAPE(2, 3), 0, 0, 1, fmin(2, most), fmin(3, most), fmin(4, most), most);
    }
    assert_array(ad_imag(ad_from_dlpack(ad_to_dlpack(ad_imag(ad_mul(VECTOR(1, 2), 1i))))), AD_SHAPE(2), 0, 0, 0);
}
END_TEST

START_TEST(odd_shapes_go_out_and_come_back)
{
    assert_close(ad_item(ad_from_dlpack(ad_to_dlpack(ad_scalar(3)))), 3, 0);
    assert_close(ad_item(ad_from_dlpack(ad_to_dlpack(ad_weak_real(3)))), 3, 0);
    ad_array *empty = ad_from_dlpack(ad_to_dlpack(ad_zeros(AD_SHAPE(2, 0, 3))));
    ck_assert(ad_shape_equal(ad_shape_of(empty), AD_SHAPE(2, 0, 3)));
    assert_array(ad_from_dlpack(ad_to_dlpack(ad_broadcast_to(ad_scalar(2), AD_SHAPE(2, 2)))), AD_SHAPE(2, 2), 0, 2, 2, 2, 2);
    ad_shape most = { .ndim = 32 };
    for (int i = 0; i < 32; i++)
        most.dim[i] = 1;
    ck_assert_int_eq(ad_ndim(ad_from_dlpack(ad_to_dlpack(ad_ones(most)))), 32);
}
END_TEST

/* What is exported outlives the scope of the array, and the small one whose elements are in its own block too. */
START_TEST(exported_tensor_keeps_the_array)
{
    ad_dlpack_versioned *t[3];
    {
        AD_SCOPE;
        t[0] = ad_to_dlpack(ad_scalar(7));
        t[1] = ad_to_dlpack(VECTOR(1, 2, 3));
        t[2] = ad_to_dlpack(counting(AD_SHAPE(1000)));
    }
    {
        AD_SCOPE;
        for (int i = 0; i < 100; i++)
            ad_neg(counting(AD_SHAPE(1000)));
        ck_assert_double_eq(*(double *)t[0]->tensor.data, 7);
        ck_assert_double_eq(((double *)t[1]->tensor.data)[2], 3);
        ck_assert_double_eq(((double *)t[2]->tensor.data)[999], 999);
    }
    ad_memory_usage before, after;
    ad_memory_stats(&before);
    for (int i = 0; i < 3; i++)
        t[i]->deleter(t[i]);
    ad_memory_stats(&after);
    ck_assert_int_lt(after.live, before.live - 8000);
}
END_TEST

static double seen;

static ad_array *looked_at(ad_array *x)
{
    ad_array *y = ad_mul(x, 2);
    ad_dlpack_versioned *t = ad_to_dlpack(y);
    seen = ((double *)t->tensor.data)[1];
    ad_array *constant = ad_from_dlpack(t);
    ck_assert(ad_is_traced(y) && !ad_is_traced(constant));
    return ad_sum(ad_mul(y, constant));
}

START_TEST(traced_array_gives_its_values_and_comes_back_a_constant)
{
    assert_array(ad_grad(looked_at)(VECTOR(1, 3)), AD_SHAPE(2), 0, 4, 12);
    ck_assert_double_eq(seen, 6);
}
END_TEST

static void *deletes(void *tensor)
{
    ((ad_dlpack_versioned *)tensor)->deleter(tensor);
    return NULL;
}

START_TEST(tensor_may_be_deleted_in_another_thread)
{
    ad_memory_usage before, after;
    pthread_t thread;
    ad_memory_stats(&before);
    {
        AD_SCOPE;
        ad_dlpack_versioned *t = ad_to_dlpack(counting(AD_SHAPE(100000)));
        ck_assert_int_eq(pthread_create(&thread, NULL, deletes, t), 0);
        pthread_join(thread, NULL);
    }
    ad_memory_stats(&after);
    ck_assert_int_lt(after.live, before.live + 100000);
}
END_TEST

/* ---- in ---- */

START_TEST(tensor_comes_in_without_a_copy_and_is_deleted_once)
{
    struct foreign f;
    make(&f);
    {
        AD_SCOPE;
        ad_array *x = ad_from_dlpack(&f.versioned);
        ck_assert_ptr_eq(ad_data(x), f.data);
        assert_array(x, AD_SHAPE(2, 3), 0, 0, 1, 2, 3, 4, 5);
        assert_array(ad_sum(ad_transpose(x), .axis = 0), AD_SHAPE(2), 0, 3, 12);
        ck_assert_int_eq(f.deletes, 0);
    }
    ck_assert_int_eq(f.deletes, 1);
    make(&f);
    {
        AD_SCOPE;
        assert_array(ad_from_dlpack_managed(&f.managed), AD_SHAPE(2, 3), 0, 0, 1, 2, 3, 4, 5);
    }
    ck_assert_int_eq(f.deletes, 1);
}
END_TEST

START_TEST(view_keeps_the_tensor)
{
    struct foreign f;
    ad_array *row;
    make(&f);
    {
        AD_SCOPE;
        row = ad_retain(ad_at(ad_from_dlpack(&f.versioned), "1"));
    }
    assert_array(row, AD_SHAPE(3), 0, 3, 4, 5);
    ck_assert_int_eq(f.deletes, 0);
    ad_release(row);
    ck_assert_int_eq(f.deletes, 1);
}
END_TEST

START_TEST(strides_and_offset_are_those_of_the_tensor)
{
    struct foreign f;
    AD_SCOPE;
    make(&f);
    f.versioned.tensor.strides = f.strides;
    f.strides[0] = -6;
    f.strides[1] = 2;
    f.versioned.tensor.byte_offset = 6 * sizeof(double);
    assert_array(ad_from_dlpack(&f.versioned), AD_SHAPE(2, 3), 0, 6, 8, 10, 0, 2, 4);
    make(&f);
    f.versioned.tensor.strides = f.strides;
    f.strides[0] = 0;
    assert_array(ad_from_dlpack(&f.versioned), AD_SHAPE(2, 3), 0, 0, 1, 2, 0, 1, 2);
    make(&f);
    f.versioned.tensor.ndim = 0;
    f.versioned.tensor.shape = NULL;
    f.versioned.deleter = NULL;
    assert_close(ad_item(ad_from_dlpack(&f.versioned)), 0, 0);
}
END_TEST

/* Nobody writes to the memory of others: functional updates, and sweeps that reuse what is dying. */
static ad_array *updated(ad_array *x)
{
    for (int i = 0; i < 3; i++)
        x = ad_at_set(x, ad_mul(ad_at(x, "0, %d", i), 2), "1, %d", i);
    return ad_sum(ad_square(x));
}

START_TEST(elements_of_a_tensor_stay_as_they_are)
{
    struct foreign f;
    AD_SCOPE;
    make(&f);
    ad_array *x = ad_from_dlpack(&f.versioned);
    ck_assert(ad_grad(updated)(x) && ad_hessian(updated)(x));
    for (int i = 0; i < 12; i++)
        ck_assert_double_eq(f.data[i], i);
}
END_TEST

static void assert_foreign_refused(struct foreign *f, const char *change, ad_code code, const char *words)
{
    AD_SCOPE;
    assert_fails(ad_from_dlpack(&f->versioned), code, words);
    ck_assert_msg(f->deletes == 0, "%s: the tensor is the caller's", change);
}

/* A tensor that was made and then changed, f with its parts v and t. */
#define assert_tensor_refused(change, code, words)                                                                     \
    do {                                                                                                               \
        struct foreign f;                                                                                              \
        make(&f);                                                                                                      \
        ad_dlpack_versioned *v = &f.versioned;                                                                         \
        ad_dlpack_tensor *t = &v->tensor;                                                                              \
        (void)t;                                                                                                       \
        change;                                                                                                        \
        assert_foreign_refused(&f, #change, code, words);                                                              \
    } while (0)

START_TEST(bad_tensors_are_refused)
{
    assert_tensor_refused(v->major = 2, AD_ERROR_FORMAT, "ad_from_dlpack: a tensor of DLPack 2.7; version 1 can be taken");
    assert_tensor_refused(v->major = 0, AD_ERROR_FORMAT, "DLPack 0.7");
    assert_tensor_refused(t->device.type = 2, AD_ERROR_VALUE, "ad_from_dlpack: memory of a device of type 2");
    assert_tensor_refused(t->dtype.bits = 16, AD_ERROR_DTYPE, "code 2, 16 bits and 1 lanes");
    assert_tensor_refused(t->dtype.code = AD_DLPACK_INT; t->dtype.bits = 8, AD_ERROR_DTYPE, "code 0, 8 bits");
    assert_tensor_refused(t->dtype.code = 4, AD_ERROR_DTYPE, "code 4");
    assert_tensor_refused(t->dtype.lanes = 2, AD_ERROR_DTYPE, "2 lanes");
    assert_tensor_refused(t->dtype.lanes = 0, AD_ERROR_DTYPE, "0 lanes");
    assert_tensor_refused(t->ndim = -1, AD_ERROR_SHAPE, "-1 axes");
    assert_tensor_refused(t->ndim = 33, AD_ERROR_SHAPE, "33 axes");
    assert_tensor_refused(t->shape = NULL, AD_ERROR_VALUE, "without lengths");
    assert_tensor_refused(f.shape[0] = -2, AD_ERROR_SHAPE, "ad_from_dlpack");
    assert_tensor_refused(f.shape[0] = INT64_MAX, AD_ERROR_SHAPE, "ad_from_dlpack");
    assert_tensor_refused(t->data = NULL, AD_ERROR_VALUE, "no data (NULL)");
    assert_tensor_refused(t->byte_offset = 4, AD_ERROR_VALUE, "are not aligned for float64");
    assert_tensor_refused(t->strides = f.strides; f.strides[0] = INT64_MAX, AD_ERROR_SHAPE, "a stride of 9223372036854775807 elements along axis 0");
    assert_tensor_refused(t->strides = f.strides; f.strides[1] = INT64_MIN / 8, AD_ERROR_SHAPE, "along axis 1");
    assert_fails(ad_from_dlpack(NULL), AD_ERROR_VALUE, "ad_from_dlpack: the tensor is NULL");
    assert_fails(ad_to_dlpack(NULL), AD_ERROR_VALUE, "ad_to_dlpack: the array is NULL");
}
END_TEST

/* Strides along axes of at most one element mean nothing. */
START_TEST(strides_that_are_not_used_may_be_anything)
{
    struct foreign f;
    AD_SCOPE;
    make(&f);
    f.shape[0] = 1;
    f.strides[0] = INT64_MAX;
    f.versioned.tensor.strides = f.strides;
    assert_array(ad_from_dlpack(&f.versioned), AD_SHAPE(1, 3), 0, 0, 1, 2);
    make(&f);
    f.shape[0] = 0;
    f.versioned.tensor.data = NULL;
    ck_assert_int_eq(ad_size(ad_from_dlpack(&f.versioned)), 0);
}
END_TEST

static ad_array *there_and_back(ad_array *x)
{
    ad_dlpack_versioned *t = ad_to_dlpack(x);
    ad_array *y = t ? ad_from_dlpack(t) : NULL;
    if (t && !y)
        t->deleter(t);
    return y;
}

START_TEST(memory_may_run_out)
{
    assert_every_allocation_may_fail(there_and_back, counting(AD_SHAPE(20, 30)));
}
END_TEST

RUN_TESTS("dlpack", structs_have_the_published_layout, array_goes_out_without_a_copy, every_dtype_goes_out_and_comes_back, odd_shapes_go_out_and_come_back,
          exported_tensor_keeps_the_array, traced_array_gives_its_values_and_comes_back_a_constant, tensor_may_be_deleted_in_another_thread,
          tensor_comes_in_without_a_copy_and_is_deleted_once, view_keeps_the_tensor, strides_and_offset_are_those_of_the_tensor,
          elements_of_a_tensor_stay_as_they_are, bad_tensors_are_refused, strides_that_are_not_used_may_be_anything, memory_may_run_out)
