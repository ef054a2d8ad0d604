package io.turnstile.offload.spi;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One operation of a batch handed to {@link OffloadProvider#operate}. Immutable; a provider may keep it.
 *
 * <p>Later releases may add kinds. A provider that overrides {@code operate} passes the ones that it does not handle
 * itself to {@link OffloadProvider#operateOne}.
 */
public sealed interface OffloadOperation {

    /**
     * True for a result that this operation may have. {@link OffloadResult.Deferred} is none: it stands for one, of all
     * but a {@link Flush}. Null, which no provider may answer, is none either.
     */
    default boolean isAnsweredBy(@Nullable OffloadResult result) {
        return result instanceof OffloadResult.Failed
                || switch (this) {
                    case Query query -> result instanceof Verdict;
                    case Add add -> result instanceof OffloadResult.Done || result instanceof Verdict;
                    case Established established -> result instanceof OffloadResult.Covered;
                    case Changed changed -> result instanceof OffloadResult.Done;
                    case Update update -> result instanceof OffloadResult.LastUsed;
                    case Delete delete ->
                        result instanceof OffloadResult.Done || result instanceof OffloadResult.Released;
                    case PathPut put -> result instanceof Verdict;
                    case PathDel del -> result instanceof OffloadResult.Done || result instanceof OffloadResult.Carried;
                    case PathStats stats -> result instanceof OffloadResult.Carried;
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
     * Asks {@link OffloadProvider#connAdd}. Results: {@link OffloadResult.Done} or {@link Verdict.Accept}: it is held;
     * {@link Verdict.Decline}, {@link Verdict.Later}, {@link OffloadResult.Failed}: it is not.
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
     * Asks {@link OffloadProvider#connChanged}. Results: {@link OffloadResult.Done}, {@link OffloadResult.Failed}.
     *
     * @param changes what has changed since the provider was shown the connection last; not empty, immutable
     */
    record Changed(ConnView connection, Set<ConnChange> changes) implements OfConnection {}

    /**
     * Asks {@link OffloadProvider#connUpdate}. Results: {@link OffloadResult.LastUsed}, {@link OffloadResult.Failed}.
     */
    record Update(ConnView connection) implements OfConnection {}

    /**
     * Asks {@link OffloadProvider#connDel}. Results: {@link OffloadResult.Done}, {@link OffloadResult.Released},
     * {@link OffloadResult.Failed}; whichever it is, the provider is taken to hold the connection no longer.
     */
    record Delete(ConnView connection, DelReason reason) implements OfConnection {}

    /**
     * Asks {@link OffloadProvider#pathPut}. Results: {@link Verdict.Accept}: the provider carries the direction;
     * {@link Verdict.Decline}, {@link Verdict.Later}, {@link OffloadResult.Failed}: it does not.
     */
    record PathPut(ConnView connection, Path path) implements OfConnection {}

    /**
     * Asks {@link OffloadProvider#pathDel}. Results: {@link OffloadResult.Carried}, {@link OffloadResult.Done} for one
     * that counts nothing, {@link OffloadResult.Failed}.
     */
    record PathDel(ConnView connection, Path path, PathEnd reason) implements OfConnection {}

    /** Asks {@link OffloadProvider#pathStats}. Results: {@link OffloadResult.Carried}, {@link OffloadResult.Failed}. */
    record PathStats(ConnView connection, Path path) implements OfConnection {}

    /**
     * Asks {@link OffloadProvider#connFlush}. Comes alone in its list, while no other call to the provider is under
     * way. Results: {@link OffloadResult.Done}: nothing is held any more and no delete follows;
     * {@link OffloadResult.OneByOne} or {@link OffloadResult.Failed}: a delete follows for each connection held.
     */
    record Flush(DelReason reason) implements OffloadOperation {}
}
