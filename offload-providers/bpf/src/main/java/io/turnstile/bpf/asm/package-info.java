/**
 * An assembler for BPF (RFC 9669): programs written in Java, instruction by instruction, with labels.
 *
 * <p>{@link io.turnstile.bpf.asm.Assembler} takes instructions, {@link io.turnstile.bpf.asm.Program} is what comes of
 * them. Relies on nothing but the JDK and calls nothing native: programs can be assembled and looked at on any machine.
 * Enums hold the numbers that programs need of the kernel's interface, each said once.
 *
 * <p>Left out, as nobody here needs it: legacy packet access (LD_ABS, LD_IND), load-acquire and store-release,
 * callbacks, and what hangs on BTF.
 *
 * <p>Threads: an assembler belongs to one thread; a program is immutable.
 */
@NullMarked
package io.turnstile.bpf.asm;

import org.jspecify.annotations.NullMarked;
