package io.turnstile.offload.spi;

/**
 * Answer of {@link OffloadProvider#canOffload} and {@link OffloadProvider#connAdd}. Refusing is normal, not an error.
 *
 * <p>Reasons are for people, shown in the connection dump: a few words in lower case without full stop, cut at 200
 * characters. Use a handful of distinct texts, not one per connection: they are kept once each, and only the first 255
 * of them.
 */
public sealed interface Verdict extends OffloadResult {

    /** The provider wants the connection: {@code connAdd} follows; or, of {@code connAdd}: it holds it. */
    record Accept() implements Verdict {}

    /** The provider does not want the connection; it is not asked again during this connection's life. */
    record Decline(String reason) implements Verdict {}

    /**
     * The provider does not want the connection now (its table is full, its device is busy). It is asked again when it
     * says {@link ProviderContext#room()}, and without that after a pause, which grows while the answer stays the same
     * and is short once something was deleted.
     */
    record Later(String reason) implements Verdict {}

    /** The one {@link Accept}. */
    static Verdict accept() {
        return OffloadResult.ACCEPT;
    }

    /** A refusal for good, with its reason. */
    static Verdict decline(String reason) {
        return new Decline(reason);
    }

    /** A refusal for now, with its reason. */
    static Verdict later(String reason) {
        return new Later(reason);
    }
}
