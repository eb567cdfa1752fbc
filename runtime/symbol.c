/*
 * symbol.c: which function of the executable an address belongs to. Floor 2.
 *
 * dladdr would take the loader's lock, which a thread stopped in the preemption handler may own, and knows exported
 * names only. So this reads the executable's own symbol table (.symtab, or .dynsym in a stripped program), mapped at
 * the first question and kept. Owns that mapping; only a report asks, and there is one at a time. Every offset in the
 * file is checked against its size: the file may have been replaced since the program started.
 */
#include "symbol.h"
#include "os_linux.h"

#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

static struct {
    bool tried;
    const uint8_t *file;
    size_t bytes;
    const ElfW(Sym) *syms; /* NULL: no names */
    size_t nsyms;
    const char *names;
    size_t names_bytes;
    uintptr_t bias;        /* where the executable was loaded, minus where it was linked to */
} exe;

static bool inside(uint64_t offset, uint64_t bytes) { return offset <= exe.bytes && bytes <= exe.bytes - offset; }

static uintptr_t load_bias(void)
{
    const ElfW(Phdr) *ph = (const void *)getauxval(AT_PHDR);
    for (unsigned long i = 0; ph && i < getauxval(AT_PHNUM); i++)
        if (ph[i].p_type == PT_PHDR) return (uintptr_t)ph - ph[i].p_vaddr;
    return 0; /* linked to a fixed address */
}

static const ElfW(Shdr) *find_section(const ElfW(Ehdr) *eh, uint32_t type)
{
    const ElfW(Shdr) *sh = (const void *)(exe.file + eh->e_shoff);
    for (unsigned i = 0; i < eh->e_shnum; i++)
        if (sh[i].sh_type == type && sh[i].sh_link < eh->e_shnum && inside(sh[i].sh_offset, sh[i].sh_size)) return &sh[i];
    return NULL;
}

static void load(void)
{
    exe.tried = true;
    exe.file = rt_mapfile("/proc/self/exe", &exe.bytes);
    const ElfW(Ehdr) *eh = (const void *)exe.file;
    if (!eh || exe.bytes < sizeof *eh || memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0) return;
    if (eh->e_shentsize != sizeof(ElfW(Shdr)) || !inside(eh->e_shoff, (uint64_t)eh->e_shnum * sizeof(ElfW(Shdr)))) return;
    const ElfW(Shdr) *sym = find_section(eh, SHT_SYMTAB);
    if (!sym) sym = find_section(eh, SHT_DYNSYM);
    if (!sym) return;
    const ElfW(Shdr) *str = (const ElfW(Shdr) *)(const void *)(exe.file + eh->e_shoff) + sym->sh_link;
    if (!inside(str->sh_offset, str->sh_size)) return;
    exe.syms = (const void *)(exe.file + sym->sh_offset);
    exe.nsyms = sym->sh_size / sizeof *exe.syms;
    exe.names = (const char *)exe.file + str->sh_offset;
    exe.names_bytes = str->sh_size;
    exe.bias = load_bias();
}

void rt_symbol(const void *addr, char *out, size_t n)
{
    if (!exe.tried) load();
    uintptr_t at = (uintptr_t)addr - exe.bias;
    for (size_t i = 0; exe.syms && i < exe.nsyms; i++) {
        const ElfW(Sym) *s = &exe.syms[i];
        if (ELF64_ST_TYPE(s->st_info) != STT_FUNC || s->st_name >= exe.names_bytes) continue;
        if (at < s->st_value || at - s->st_value >= (s->st_size ? s->st_size : 1)) continue;
        const char *name = exe.names + s->st_name;
        int len = (int)strnlen(name, exe.names_bytes - s->st_name);
        if (at == s->st_value) snprintf(out, n, "%.*s", len, name);
        else snprintf(out, n, "%.*s+%#zx", len, name, (size_t)(at - s->st_value));
        return;
    }
    snprintf(out, n, "%#zx", (size_t)(uintptr_t)addr);
}
