package io.turnstile.offload.provider.fault;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.OffloadOperation;
import io.turnstile.offload.spi.OffloadResult;
import io.turnstile.offload.spi.Verdict;
import java.util.function.Predicate;

/**
 * The provider declines everything, or the connections chosen, with one reason: when asked, or only when the connection
 * is to be added, as a device does that finds its table full. (A late refusal is a {@link Verdict.Decline} in bulk; the
 * single {@code connAdd}, which has no answer, throws.)
 */
public final class RefusingProvider extends HoldingProvider {

    /** The callback at which the refusal comes. */
    public enum Moment {
        QUERY,
        ADD
    }

    private final Moment moment;
    private final Predicate<ConnView> refused;
    private final String reason;

    /** Declines everything when asked. */
    public RefusingProvider(String name, String reason) {
        this(name, Moment.QUERY, connection -> true, reason);
    }

    /** Declines what {@code refused} says; the predicate may be called on several threads at once. */
    public RefusingProvider(String name, Moment moment, Predicate<ConnView> refused, String reason) {
        super(name);
        this.moment = moment;
        this.refused = refused;
        this.reason = reason;
    }

    @Override
    public Verdict canOffload(ConnView connection) {
        return refuses(Moment.QUERY, connection) ? Verdict.decline(reason) : super.canOffload(connection);
    }

    @Override
    public Verdict connAdd(ConnView connection) {
        if (refuses(Moment.ADD, connection)) {
            throw new IllegalStateException(reason);
        }
        super.connAdd(connection);
        return Verdict.accept();
    }

    @Override
    public OffloadResult operateOne(OffloadOperation operation) {
        return operation instanceof OffloadOperation.Add add && refuses(Moment.ADD, add.connection())
                ? Verdict.decline(reason)
                : super.operateOne(operation);
    }

    private boolean refuses(Moment now, ConnView connection) {
        return now == moment && refused.test(connection);
    }
}
