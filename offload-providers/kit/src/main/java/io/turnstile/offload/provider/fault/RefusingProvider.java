package io.turnstile.offload.provider.fault;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.Verdict;
import java.util.function.Predicate;

/**
 * The provider refuses everything, or the connections chosen, with one answer: when asked, or only when the connection
 * is to be added. Refusing is no fault.
 */
public final class RefusingProvider extends HoldingProvider {

    /** The callback at which the refusal comes. */
    public enum Moment {
        QUERY,
        ADD
    }

    private final Moment moment;
    private final Predicate<ConnView> refused;
    private final Verdict refusal;

    /** Declines everything when asked. */
    public RefusingProvider(String name, String reason) {
        this(name, Moment.QUERY, connection -> true, reason);
    }

    /** Declines what {@code refused} says; the predicate may be called on several threads at once. */
    public RefusingProvider(String name, Moment moment, Predicate<ConnView> refused, String reason) {
        this(name, moment, refused, Verdict.decline(reason));
    }

    /** Answers {@code refusal} to what {@code refused} says; the predicate may be called on several threads at once. */
    public RefusingProvider(String name, Moment moment, Predicate<ConnView> refused, Verdict refusal) {
        super(name);
        this.moment = moment;
        this.refused = refused;
        this.refusal = refusal;
    }

    @Override
    public Verdict canOffload(ConnView connection) {
        return refuses(Moment.QUERY, connection) ? refusal : super.canOffload(connection);
    }

    @Override
    public Verdict connAdd(ConnView connection) {
        return refuses(Moment.ADD, connection) ? refusal : super.connAdd(connection);
    }

    private boolean refuses(Moment now, ConnView connection) {
        return now == moment && refused.test(connection);
    }
}
