/*
 * model_atomic.h: the operations of runtime/atomic.h for the explorer (TRINE_MODEL). Included by atomic.h alone.
 *
 * Same names, same types, same results; each use is a site of its own (file, line, function), whose order the
 * mutation run can weaken. Suffixes as in atomic.h.
 */
#ifndef MODEL_ATOMIC_H
#define MODEL_ATOMIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MO_RLX = 0, MO_ACQ = 1, MO_REL = 2, MO_AR = 3, MO_SC = 7 };
enum model_rmw { RMW_XCHG, RMW_CAS, RMW_ADD, RMW_OR, RMW_AND };

struct model_site { /* one textual use of an operation */
    const char *file, *op;
    int line;
    unsigned order, fail_order; /* as written; fail_order: of a compare-and-swap that does not swap */
    unsigned keep;              /* the mutation run: order bits left to it */
    bool dropped;               /* the mutation run: a fence that is not there */
    bool known;
    const char *func;
    int id;
};

uint64_t model_load(struct model_site *s, const char *func, const void *a, size_t bytes);
void model_store(struct model_site *s, const char *func, void *a, size_t bytes, uint64_t x);
uint64_t model_rmw(struct model_site *s, const char *func, void *a, size_t bytes, enum model_rmw how, uint64_t old,
                   uint64_t x);
void model_fence(struct model_site *s, const char *func);
void model_fence_light(struct model_site *s, const char *func);
void model_fence_heavy(struct model_site *s, const char *func);

typedef struct { uint32_t v; } at_u32;
typedef struct { int32_t v; } at_i32;
typedef struct { uint64_t v; } at_u64;
typedef struct { int64_t v; } at_i64;
typedef struct { void *v; } at_ptr;

#define AT_POINT() ((void)0)

#define MODEL_SITE(name, order, fail)                                                                          \
    static struct model_site site_ = {__FILE__, name, __LINE__, order, fail, MO_SC, false, false, NULL, 0}
#define MODEL_LOAD(T, V, name, o, a)                                                                           \
    ({ MODEL_SITE(name, o, 0);                                                                                 \
       const T *at_ = (a);                                                                                     \
       (V)(uintptr_t)model_load(&site_, __func__, at_, sizeof(at_->v)); })
#define MODEL_STORE(T, V, name, o, a, x)                                                                       \
    ({ MODEL_SITE(name, o, 0);                                                                                 \
       T *at_ = (a);                                                                                           \
       V x_ = (x);                                                                                             \
       model_store(&site_, __func__, at_, sizeof(at_->v), (uint64_t)(uintptr_t)x_); })
#define MODEL_RMW(T, V, name, o, how, a, x)                                                                    \
    ({ MODEL_SITE(name, o, 0);                                                                                 \
       T *at_ = (a);                                                                                           \
       V x_ = (x);                                                                                             \
       (V)(uintptr_t)model_rmw(&site_, __func__, at_, sizeof(at_->v), how, 0, (uint64_t)(uintptr_t)x_); })
#define MODEL_CAS(T, V, name, o, f, a, old, x)                                                                 \
    ({ MODEL_SITE(name, o, f);                                                                                 \
       T *at_ = (a);                                                                                           \
       V old_ = (old);                                                                                         \
       V x_ = (x);                                                                                             \
       (V)(uintptr_t)model_rmw(&site_, __func__, at_, sizeof(at_->v), RMW_CAS, (uint64_t)(uintptr_t)old_,      \
                               (uint64_t)(uintptr_t)x_) == old_; })

#define at32_load_rlx(a)         MODEL_LOAD(at_u32, uint32_t, "at32_load_rlx", MO_RLX, a)
#define at32_load_acq(a)         MODEL_LOAD(at_u32, uint32_t, "at32_load_acq", MO_ACQ, a)
#define at32_load_sc(a)          MODEL_LOAD(at_u32, uint32_t, "at32_load_sc", MO_SC, a)
#define at32_store_rlx(a, x)     MODEL_STORE(at_u32, uint32_t, "at32_store_rlx", MO_RLX, a, x)
#define at32_store_rel(a, x)     MODEL_STORE(at_u32, uint32_t, "at32_store_rel", MO_REL, a, x)
#define at32_store_sc(a, x)      MODEL_STORE(at_u32, uint32_t, "at32_store_sc", MO_SC, a, x)
#define at32_xchg_ar(a, x)       MODEL_RMW(at_u32, uint32_t, "at32_xchg_ar", MO_AR, RMW_XCHG, a, x)
#define at32_cas_rlx(a, old, x)  MODEL_CAS(at_u32, uint32_t, "at32_cas_rlx", MO_RLX, MO_RLX, a, old, x)
#define at32_cas_acq(a, old, x)  MODEL_CAS(at_u32, uint32_t, "at32_cas_acq", MO_ACQ, MO_RLX, a, old, x)
#define at32_cas_rel(a, old, x)  MODEL_CAS(at_u32, uint32_t, "at32_cas_rel", MO_REL, MO_RLX, a, old, x)
#define at32_cas_ar(a, old, x)   MODEL_CAS(at_u32, uint32_t, "at32_cas_ar", MO_AR, MO_ACQ, a, old, x)
#define at32_cas_sc(a, old, x)   MODEL_CAS(at_u32, uint32_t, "at32_cas_sc", MO_SC, MO_SC, a, old, x)
#define at32_add_rlx(a, x)       MODEL_RMW(at_u32, uint32_t, "at32_add_rlx", MO_RLX, RMW_ADD, a, x)
#define at32_add_ar(a, x)        MODEL_RMW(at_u32, uint32_t, "at32_add_ar", MO_AR, RMW_ADD, a, x)
#define at32_add_sc(a, x)        MODEL_RMW(at_u32, uint32_t, "at32_add_sc", MO_SC, RMW_ADD, a, x)
#define at32_or_ar(a, x)         MODEL_RMW(at_u32, uint32_t, "at32_or_ar", MO_AR, RMW_OR, a, x)
#define at32_and_ar(a, x)        MODEL_RMW(at_u32, uint32_t, "at32_and_ar", MO_AR, RMW_AND, a, x)

#define ati32_load_rlx(a)        MODEL_LOAD(at_i32, int32_t, "ati32_load_rlx", MO_RLX, a)
#define ati32_load_acq(a)        MODEL_LOAD(at_i32, int32_t, "ati32_load_acq", MO_ACQ, a)
#define ati32_load_sc(a)         MODEL_LOAD(at_i32, int32_t, "ati32_load_sc", MO_SC, a)
#define ati32_store_rlx(a, x)    MODEL_STORE(at_i32, int32_t, "ati32_store_rlx", MO_RLX, a, x)
#define ati32_store_rel(a, x)    MODEL_STORE(at_i32, int32_t, "ati32_store_rel", MO_REL, a, x)
#define ati32_store_sc(a, x)     MODEL_STORE(at_i32, int32_t, "ati32_store_sc", MO_SC, a, x)
#define ati32_xchg_ar(a, x)      MODEL_RMW(at_i32, int32_t, "ati32_xchg_ar", MO_AR, RMW_XCHG, a, x)
#define ati32_cas_rlx(a, old, x) MODEL_CAS(at_i32, int32_t, "ati32_cas_rlx", MO_RLX, MO_RLX, a, old, x)
#define ati32_cas_acq(a, old, x) MODEL_CAS(at_i32, int32_t, "ati32_cas_acq", MO_ACQ, MO_RLX, a, old, x)
#define ati32_cas_rel(a, old, x) MODEL_CAS(at_i32, int32_t, "ati32_cas_rel", MO_REL, MO_RLX, a, old, x)
#define ati32_cas_ar(a, old, x)  MODEL_CAS(at_i32, int32_t, "ati32_cas_ar", MO_AR, MO_ACQ, a, old, x)
#define ati32_cas_sc(a, old, x)  MODEL_CAS(at_i32, int32_t, "ati32_cas_sc", MO_SC, MO_SC, a, old, x)
#define ati32_add_rlx(a, x)      MODEL_RMW(at_i32, int32_t, "ati32_add_rlx", MO_RLX, RMW_ADD, a, x)
#define ati32_add_ar(a, x)       MODEL_RMW(at_i32, int32_t, "ati32_add_ar", MO_AR, RMW_ADD, a, x)
#define ati32_add_sc(a, x)       MODEL_RMW(at_i32, int32_t, "ati32_add_sc", MO_SC, RMW_ADD, a, x)
#define ati32_or_ar(a, x)        MODEL_RMW(at_i32, int32_t, "ati32_or_ar", MO_AR, RMW_OR, a, x)
#define ati32_and_ar(a, x)       MODEL_RMW(at_i32, int32_t, "ati32_and_ar", MO_AR, RMW_AND, a, x)

#define at64_load_rlx(a)         MODEL_LOAD(at_u64, uint64_t, "at64_load_rlx", MO_RLX, a)
#define at64_load_acq(a)         MODEL_LOAD(at_u64, uint64_t, "at64_load_acq", MO_ACQ, a)
#define at64_load_sc(a)          MODEL_LOAD(at_u64, uint64_t, "at64_load_sc", MO_SC, a)
#define at64_store_rlx(a, x)     MODEL_STORE(at_u64, uint64_t, "at64_store_rlx", MO_RLX, a, x)
#define at64_store_rel(a, x)     MODEL_STORE(at_u64, uint64_t, "at64_store_rel", MO_REL, a, x)
#define at64_store_sc(a, x)      MODEL_STORE(at_u64, uint64_t, "at64_store_sc", MO_SC, a, x)
#define at64_xchg_ar(a, x)       MODEL_RMW(at_u64, uint64_t, "at64_xchg_ar", MO_AR, RMW_XCHG, a, x)
#define at64_cas_rlx(a, old, x)  MODEL_CAS(at_u64, uint64_t, "at64_cas_rlx", MO_RLX, MO_RLX, a, old, x)
#define at64_cas_acq(a, old, x)  MODEL_CAS(at_u64, uint64_t, "at64_cas_acq", MO_ACQ, MO_RLX, a, old, x)
#define at64_cas_rel(a, old, x)  MODEL_CAS(at_u64, uint64_t, "at64_cas_rel", MO_REL, MO_RLX, a, old, x)
#define at64_cas_ar(a, old, x)   MODEL_CAS(at_u64, uint64_t, "at64_cas_ar", MO_AR, MO_ACQ, a, old, x)
#define at64_cas_sc(a, old, x)   MODEL_CAS(at_u64, uint64_t, "at64_cas_sc", MO_SC, MO_SC, a, old, x)
#define at64_add_rlx(a, x)       MODEL_RMW(at_u64, uint64_t, "at64_add_rlx", MO_RLX, RMW_ADD, a, x)
#define at64_add_ar(a, x)        MODEL_RMW(at_u64, uint64_t, "at64_add_ar", MO_AR, RMW_ADD, a, x)
#define at64_add_sc(a, x)        MODEL_RMW(at_u64, uint64_t, "at64_add_sc", MO_SC, RMW_ADD, a, x)
#define at64_or_ar(a, x)         MODEL_RMW(at_u64, uint64_t, "at64_or_ar", MO_AR, RMW_OR, a, x)
#define at64_and_ar(a, x)        MODEL_RMW(at_u64, uint64_t, "at64_and_ar", MO_AR, RMW_AND, a, x)

#define ati64_load_rlx(a)        MODEL_LOAD(at_i64, int64_t, "ati64_load_rlx", MO_RLX, a)
#define ati64_load_acq(a)        MODEL_LOAD(at_i64, int64_t, "ati64_load_acq", MO_ACQ, a)
#define ati64_load_sc(a)         MODEL_LOAD(at_i64, int64_t, "ati64_load_sc", MO_SC, a)
#define ati64_store_rlx(a, x)    MODEL_STORE(at_i64, int64_t, "ati64_store_rlx", MO_RLX, a, x)
#define ati64_store_rel(a, x)    MODEL_STORE(at_i64, int64_t, "ati64_store_rel", MO_REL, a, x)
#define ati64_store_sc(a, x)     MODEL_STORE(at_i64, int64_t, "ati64_store_sc", MO_SC, a, x)
#define ati64_xchg_ar(a, x)      MODEL_RMW(at_i64, int64_t, "ati64_xchg_ar", MO_AR, RMW_XCHG, a, x)
#define ati64_cas_rlx(a, old, x) MODEL_CAS(at_i64, int64_t, "ati64_cas_rlx", MO_RLX, MO_RLX, a, old, x)
#define ati64_cas_acq(a, old, x) MODEL_CAS(at_i64, int64_t, "ati64_cas_acq", MO_ACQ, MO_RLX, a, old, x)
#define ati64_cas_rel(a, old, x) MODEL_CAS(at_i64, int64_t, "ati64_cas_rel", MO_REL, MO_RLX, a, old, x)
#define ati64_cas_ar(a, old, x)  MODEL_CAS(at_i64, int64_t, "ati64_cas_ar", MO_AR, MO_ACQ, a, old, x)
#define ati64_cas_sc(a, old, x)  MODEL_CAS(at_i64, int64_t, "ati64_cas_sc", MO_SC, MO_SC, a, old, x)
#define ati64_add_rlx(a, x)      MODEL_RMW(at_i64, int64_t, "ati64_add_rlx", MO_RLX, RMW_ADD, a, x)
#define ati64_add_ar(a, x)       MODEL_RMW(at_i64, int64_t, "ati64_add_ar", MO_AR, RMW_ADD, a, x)
#define ati64_add_sc(a, x)       MODEL_RMW(at_i64, int64_t, "ati64_add_sc", MO_SC, RMW_ADD, a, x)
#define ati64_or_ar(a, x)        MODEL_RMW(at_i64, int64_t, "ati64_or_ar", MO_AR, RMW_OR, a, x)
#define ati64_and_ar(a, x)       MODEL_RMW(at_i64, int64_t, "ati64_and_ar", MO_AR, RMW_AND, a, x)

#define atp_load_rlx(a)          MODEL_LOAD(at_ptr, void *, "atp_load_rlx", MO_RLX, a)
#define atp_load_acq(a)          MODEL_LOAD(at_ptr, void *, "atp_load_acq", MO_ACQ, a)
#define atp_load_sc(a)           MODEL_LOAD(at_ptr, void *, "atp_load_sc", MO_SC, a)
#define atp_store_rlx(a, x)      MODEL_STORE(at_ptr, void *, "atp_store_rlx", MO_RLX, a, x)
#define atp_store_rel(a, x)      MODEL_STORE(at_ptr, void *, "atp_store_rel", MO_REL, a, x)
#define atp_store_sc(a, x)       MODEL_STORE(at_ptr, void *, "atp_store_sc", MO_SC, a, x)
#define atp_xchg_ar(a, x)        MODEL_RMW(at_ptr, void *, "atp_xchg_ar", MO_AR, RMW_XCHG, a, x)
#define atp_cas_rlx(a, old, x)   MODEL_CAS(at_ptr, void *, "atp_cas_rlx", MO_RLX, MO_RLX, a, old, x)
#define atp_cas_acq(a, old, x)   MODEL_CAS(at_ptr, void *, "atp_cas_acq", MO_ACQ, MO_RLX, a, old, x)
#define atp_cas_rel(a, old, x)   MODEL_CAS(at_ptr, void *, "atp_cas_rel", MO_REL, MO_RLX, a, old, x)
#define atp_cas_ar(a, old, x)    MODEL_CAS(at_ptr, void *, "atp_cas_ar", MO_AR, MO_ACQ, a, old, x)
#define atp_cas_sc(a, old, x)    MODEL_CAS(at_ptr, void *, "atp_cas_sc", MO_SC, MO_SC, a, old, x)

#define at_fence_sc()                                                                                          \
    ({ MODEL_SITE("at_fence_sc", MO_SC, 0);                                                                    \
       model_fence(&site_, __func__); })
#define at_fence_light()                                                                                       \
    ({ MODEL_SITE("at_fence_light", MO_SC, 0);                                                                 \
       model_fence_light(&site_, __func__); })
#define at_fence_heavy()                                                                                       \
    ({ MODEL_SITE("at_fence_heavy", MO_SC, 0);                                                                 \
       model_fence_heavy(&site_, __func__); })
#define at_signal_fence() ((void)0)
#endif
