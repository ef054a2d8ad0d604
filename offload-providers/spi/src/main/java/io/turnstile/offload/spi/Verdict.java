package io.turnstile.offload.spi;

/** Answer of {@link OffloadProvider#canOffload}. Refusing is normal, not an error. */
public sealed interface Verdict extends OffloadResult {

    /** The provider wants the connection: {@code connAdd} follows. */
    record Accept() implements Verdict {}

    /**
     * The provider does not want the connection; it is not asked again during this connection's life.
     *
     * @param reason for people, shown in the connection dump: a few words in lower case without full stop. Use a
     *     handful of distinct texts, not one per connection: they are kept once each, and only the first 255 of them
     */
    record Decline(String reason) implements Verdict {}

    /** The one {@link Accept}. */
    static Verdict accept() {
        return OffloadResult.ACCEPT;
    }

    /** A refusal with its reason. */
    static Verdict decline(String reason) {
        return new Decline(reason);
    }
}
