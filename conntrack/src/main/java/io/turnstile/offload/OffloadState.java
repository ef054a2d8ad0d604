package io.turnstile.offload;

/** How one connection stands with one provider. The ordinals are stored: see {@link SlotTable}. */
public enum OffloadState {
    /** The provider was not told of it (yet). */
    NONE("none"),
    /** Being asked and added. */
    ADDING("adding"),
    /** Held; no reply was announced, or the provider wants to be asked again. */
    ADDED("added"),
    /** Held; the offload covers both directions. */
    ESTABLISHED("established"),
    /** Being taken away. */
    DELETING("deleting"),
    /** The provider refused it; not held. */
    DECLINED("declined"),
    /** The provider does not want it now; not held, offered again. */
    LATER("later"),
    /** A callback failed; not held. */
    FAILED("failed"),
    /**
     * The switch did not offer it, or took it back: queue full, port excluded, port gone; not held, may be offered
     * later.
     */
    REFUSED("refused");

    static final OffloadState[] BY_ORDINAL = values();

    private final String text;

    OffloadState(String text) {
        this.text = text;
    }

    /** The provider holds the connection: connAdd returned and connDel has not been called. */
    boolean isHeld() {
        return this == ADDED || this == ESTABLISHED;
    }

    @Override
    public String toString() {
        return text;
    }
}
