package io.turnstile.offload.spi;

/** From when on connections are offered to a provider: see {@link OffloadProvider#offeredFrom()}. */
public enum OfferMoment {
    /** As soon as a packet has committed the connection. */
    COMMITTED,
    /** Once it is established in the sense of {@link OffloadProvider#connEstablished}: most never are under attack. */
    ESTABLISHED,
    /**
     * Once it has been established for a tenth of a second or two and TCP has not begun to close it: of what is over by
     * then, which is most of what there is where connections are short, the provider never hears.
     */
    LASTING
}
