package io.turnstile.offload.spi;

import org.jspecify.annotations.Nullable;

/**
 * One operation of a batch handed to {@link OffloadProvider#operate}. Immutable; a provider may keep it.
 *
 * <p>Later releases may add kinds. A provider that overrides {@code operate} passes the ones that it does not handle
 * itself to {@link OffloadProvider#operateOne}.
 */
public sealed interface OffloadOperation {

    /** True for a result that this operation may have; null, which no provider may answer, is none. */
    default boolean isAnsweredBy(@Nullable OffloadResult result) {
        return result instanceof OffloadResult.Failed
                || switch (this) {
                    case Query query -> result instanceof Verdict;
                    case Add add -> result instanceof OffloadResult.Done || result instanceof Verdict.Decline;
                    case Established established -> result instanceof OffloadResult.Covered;
                    case Update update -> result instanceof OffloadResult.LastUsed;
                    case Delete delete -> result instanceof OffloadResult.Done;
                    case Flush flush ->
                        result instanceof OffloadResult.Done || result instanceof OffloadResult.OneByOne;
                };
    }

    /** One that concerns a single connection: all but {@link Flush}. */
    sealed interface OfConnection extends OffloadOperation {
        /** The connection concerned. */
        ConnView connection();
    }

    /** Asks {@link OffloadProvider#canOffload}. Results: {@link Verdict}, {@link OffloadResult.Failed}. */
    record Query(ConnView connection) implements OfConnection {}

    /**
     * Asks {@link OffloadProvider#connAdd}. Results: {@link OffloadResult.Done}, {@link OffloadResult.Failed}, and
     * {@link Verdict.Decline} from a provider that finds out only now (its table is full).
     */
    record Add(ConnView connection) implements OfConnection {}

    /**
     * Asks {@link OffloadProvider#connEstablished}. Results: {@link OffloadResult.Covered},
     * {@link OffloadResult.Failed}.
     *
     * @param replyIngress the port by which the reply came in
     */
    record Established(ConnView connection, PortRef replyIngress) implements OfConnection {}

    /**
     * Asks {@link OffloadProvider#connUpdate}. Results: {@link OffloadResult.LastUsed}, {@link OffloadResult.Failed}.
     */
    record Update(ConnView connection) implements OfConnection {}

    /**
     * Asks {@link OffloadProvider#connDel}. Results: {@link OffloadResult.Done}, {@link OffloadResult.Failed}; either
     * way the provider is taken to hold the connection no longer.
     */
    record Delete(ConnView connection, DelReason reason) implements OfConnection {}

    /**
     * Asks {@link OffloadProvider#connFlush}. Comes alone in its list, while no other call to the provider is under
     * way. Results: {@link OffloadResult.Done}: nothing is held any more and no delete follows;
     * {@link OffloadResult.OneByOne} or {@link OffloadResult.Failed}: a delete follows for each connection held.
     */
    record Flush(DelReason reason) implements OffloadOperation {}
}
