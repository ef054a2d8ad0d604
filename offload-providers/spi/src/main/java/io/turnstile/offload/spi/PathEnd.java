package io.turnstile.offload.spi;

/** Why a provider has to give a path back. */
public enum PathEnd {
    /** Flows, groups, ports' settings or addresses learned have changed, so that packets may go another way. */
    RULES_CHANGED("rules changed"),
    /** The connection has changed: its mark or label was written, or software saw FIN or RST. */
    CONNECTION_CHANGED("connection changed"),
    /** Packets of the direction come otherwise than the guard asks for, and are to be carried again. */
    GUARD_FAILED("guard failed"),
    /** A port of it is not there any more, or came to be another provider's. */
    PORT_GONE("port gone"),
    /** The connection is about to be taken from the provider: {@link OffloadProvider#connDel} follows. */
    CONNECTION_LEAVES("connection leaves"),
    /** The provider said so ({@link ProviderContext#pathLost}). */
    LOST("lost"),
    /** A callback of this provider failed. */
    PROVIDER_FAILED("provider failed");

    private final String text;

    PathEnd(String text) {
        this.text = text;
    }

    @Override
    public String toString() {
        return text;
    }
}
