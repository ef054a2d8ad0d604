package io.turnstile.conntrack.fragment;

/** Each family has its own switch, smallest fragment and counters. */
public enum FragmentFamily {
    IPV4(1200),
    /** RFC 8200 §5: every link carries packets of 1280 bytes. */
    IPV6(1280);

    /** No smallest fragment below this can be asked for ({@code dpctl/ipf-set-min-frag}). */
    public static final int LEAST_MIN_FRAGMENT_BYTES = 400;

    private final int defaultMinFragmentBytes;

    FragmentFamily(int defaultMinFragmentBytes) {
        this.defaultMinFragmentBytes = defaultMinFragmentBytes;
    }

    /** How long a fragment that is not the last has to be, network header included, if nobody says otherwise. */
    public int defaultMinFragmentBytes() {
        return defaultMinFragmentBytes;
    }
}
