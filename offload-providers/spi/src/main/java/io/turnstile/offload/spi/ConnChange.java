package io.turnstile.offload.spi;

/** What has changed about a connection that a provider holds: see {@link OffloadProvider#connChanged}. */
public enum ConnChange {
    /** {@link ConnView#mark()} was written. */
    MARK("mark"),
    /** {@link ConnView#labelHigh()} or {@link ConnView#labelLow()} was written. */
    LABEL("label"),
    /**
     * Software saw a packet that moved a side's {@link TcpView.State} towards the end: FIN, its acknowledgement, RST.
     */
    TCP("tcp"),
    /** Packets of a direction come in by another port than before: a host has moved. */
    PORT("port");

    private final String text;

    ConnChange(String text) {
        this.text = text;
    }

    @Override
    public String toString() {
        return text;
    }
}
