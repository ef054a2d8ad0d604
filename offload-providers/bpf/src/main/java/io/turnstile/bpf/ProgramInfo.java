package io.turnstile.bpf;

/**
 * What the kernel says of a program ({@code struct bpf_prog_info}).
 *
 * @param id the program's number, by which tools such as bpftool know it; no other program gets it while this one is
 *     there
 * @param machineCodeBytes what the kernel's compiler made of it; 0 if it interprets it
 * @param translatedBytes the program after the verifier's changes
 */
public record ProgramInfo(int type, int id, int machineCodeBytes, int translatedBytes) {}
