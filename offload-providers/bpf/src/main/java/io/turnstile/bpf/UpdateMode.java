package io.turnstile.bpf;

/** What an update may find ({@code BPF_ANY}, {@code BPF_NOEXIST}, {@code BPF_EXIST}). */
public enum UpdateMode {
    /** Makes a new entry, or changes the one that is there. */
    ANY,
    /** The entry must be new; else {@link Errno#EEXIST}. */
    NEW,
    /** The entry must be there; else {@link Errno#ENOENT}. */
    PRESENT;

    long flags() {
        return ordinal();
    }
}
