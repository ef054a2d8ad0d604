package io.turnstile.offload;

import org.jspecify.annotations.Nullable;

/**
 * A failure in words. What is thrown by foreign code has foreign methods, which may throw, or never return: each is
 * asked once, inside the call that is watched, and nobody else ever sees the throwable.
 *
 * @param type the throwable's class; empty if nothing was thrown
 * @param reason in a few words: its message, or its class in short
 * @param text its class and its message
 * @param place where it was thrown: {@code " at acme.Card.connAdd:12"}; empty if that is not known
 */
record FailureText(String type, String reason, String text, String place) {

    /** A failure where nothing was thrown. */
    static FailureText said(String reason) {
        return new FailureText("", reason, reason, "");
    }

    /** Asks a throwable for its words. Runs its code; may hang, but throws nothing. */
    static FailureText of(Throwable thrown) {
        if (thrown instanceof Carrier carrier) {
            return carrier.failure;
        }
        String type = ProviderText.line(thrown.getClass().getName());
        String message = message(thrown);
        return message == null
                ? new FailureText(type, ProviderText.simpleName(thrown.getClass()), type, place(thrown))
                : new FailureText(type, message, ProviderText.line(type + ": " + message), place(thrown));
    }

    private static @Nullable String message(Throwable thrown) {
        try {
            String message = thrown.getLocalizedMessage();
            return message == null ? null : ProviderText.line(message);
        } catch (Throwable e) { // contained: its class has to do
            HeapExhaustion.check(e);
            return null;
        }
    }

    private static String place(Throwable thrown) {
        try {
            StackTraceElement[] trace = thrown.getStackTrace();
            return trace.length == 0 ? "" : " at " + ProviderText.line(BoundedCall.place(trace[0]));
        } catch (Throwable e) { // contained: there may not even be a trace
            HeapExhaustion.check(e);
            return "";
        }
    }

    /** The same failure with the words of who reported it. */
    FailureText reworded(String given) {
        return new FailureText(type, given, given, place);
    }

    /** The failure as a throwable that has no foreign code. */
    Throwable carrier() {
        return new Carrier(this);
    }

    /** Takes the place of a foreign throwable where the SPI has room for nothing else. */
    @SuppressWarnings("serial") // goes nowhere
    private static final class Carrier extends Exception {
        private final FailureText failure;

        private Carrier(FailureText failure) {
            super(failure.text, null, false, false);
            this.failure = failure;
        }
    }
}
