package io.turnstile.pipeline;

import org.jspecify.annotations.Nullable;

/** What a bridge does with IP fragments, in ovs-ofctl's words ({@code set-frags}); {@code reassemble} is not had. */
public enum FragmentHandling {
    /** The ports of a first fragment do not count: all fragments of a packet meet the same flows. */
    NORMAL(0),
    DROP(1),
    /** First fragments have ports, later ones have zeros in their place; {@code ip_frag} tells them apart. */
    NX_MATCH(3);

    private final int code;

    FragmentHandling(int code) {
        this.code = code;
    }

    /** The number in OFPC_FRAG_MASK. */
    public int code() {
        return code;
    }

    /** By its number; null if it is not had. */
    public static @Nullable FragmentHandling coded(int code) {
        for (FragmentHandling handling : values()) {
            if (handling.code == code) {
                return handling;
            }
        }
        return null;
    }
}
