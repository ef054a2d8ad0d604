package io.turnstile.offload.spi;

/** Why a provider has to let go of a connection. */
public enum DelReason {
    /** The connection's deadline passed. */
    EXPIRED("expired"),
    /** Somebody flushed it, by {@code dpctl/flush-conntrack} or OpenFlow. */
    FLUSHED("flushed"),
    /** Another connection took its place in the table: {@code ct(commit,force)}, or a new SYN on a closed one. */
    REPLACED("replaced"),
    /** Its zone was deleted. */
    ZONE_DELETED("zone deleted"),
    /**
     * A port of it was taken from this provider by {@code hw-offload-priority} of its Interface; it lives on in
     * software.
     */
    PORT_EXCLUDED("port excluded"),
    /** A port of it is not there any more; it lives on in software. */
    PORT_GONE("port gone"),
    /** The provider said so ({@link ProviderContext#lost}); it lives on in software, and is offered again. */
    LOST("lost"),
    /** The provider is being closed (hw-offload off, or not chosen any more); the connection lives on in software. */
    PROVIDER_LEAVING("provider leaving"),
    /** A callback of this provider failed, or its circuit breaker opened; the connection lives on in software. */
    PROVIDER_FAILED("provider failed");

    private final String text;

    DelReason(String text) {
        this.text = text;
    }

    @Override
    public String toString() {
        return text;
    }
}
