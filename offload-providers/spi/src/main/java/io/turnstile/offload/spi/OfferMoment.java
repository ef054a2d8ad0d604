package io.turnstile.offload.spi;

/** From when on connections are offered to a provider: see {@link OffloadProvider#offeredFrom()}. */
public enum OfferMoment {
    /** As soon as a packet has committed the connection. */
    COMMITTED,
    /** Once it is established in the sense of {@link OffloadProvider#connEstablished}: most never are under attack. */
    ESTABLISHED
}
