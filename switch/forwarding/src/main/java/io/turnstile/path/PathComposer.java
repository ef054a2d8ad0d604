package io.turnstile.path;

import io.turnstile.conntrack.ConnectionSnapshot;
import io.turnstile.conntrack.CtRequest;
import io.turnstile.conntrack.CtState;
import io.turnstile.datapath.DatapathAction;
import io.turnstile.datapath.DatapathFlow;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;
import io.turnstile.datapath.SampledWalk;
import io.turnstile.datapath.SampledWalk.Tracking;
import io.turnstile.offload.spi.Direction;
import io.turnstile.offload.spi.TupleView;
import io.turnstile.packet.IpProtocols;
import io.turnstile.path.Composition.Composed;
import io.turnstile.path.Composition.Member;
import io.turnstile.path.Composition.Refused;
import io.turnstile.path.Composition.Step;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The composer retraces a walk with a {@link SymbolicPacket} in place of the packet: what its flows look at becomes the
 * guard, what they and the connections' NAT write becomes the tuple and the rewrites of the packet that leaves. Any
 * packet of the connection's direction that passes the guard would meet the same flows, so that it leaves in the same
 * way; one that does not may meet others.
 *
 * <p>Depends on nothing but the walk and the connections as they are given. Threads: one; made for one walk.
 */
final class PathComposer {
    private static final int MET_STATES = CtState.NEW | CtState.EST | CtState.INV;

    private final SampledWalk walk;
    private final List<@Nullable ConnectionSnapshot> connections;
    private final SymbolicPacket packet;
    private final ConnectionSnapshot first;
    private final List<MemberBuilder> members = new ArrayList<>();
    private final List<Step> steps = new ArrayList<>();

    private int trackings;
    /** The connection that the packet bears the marks of; null: it is untracked. */
    private @Nullable MemberBuilder tracked;

    private @Nullable ConnectionSnapshot trackedConnection;
    private boolean translated;
    private int icmpId;

    private @Nullable SymbolicPacket leaving;
    private int leavingIcmpId;
    private int egress;
    /** The first thing that stands in the way. */
    private @Nullable Refused refused;

    private PathComposer(
            SampledWalk walk,
            List<@Nullable ConnectionSnapshot> connections,
            ConnectionSnapshot first,
            long[] arriving) {
        this.walk = walk;
        this.connections = connections;
        this.first = first;
        packet = new SymbolicPacket(arriving, first.ipv6, first.protocol, walk.tag());
        icmpId = TupleFields.arriving(first, direction(walk.reply())).icmpId;
    }

    /** @param connections as each tracking has found them; null for those that are not there any more */
    static Composition compose(SampledWalk walk, List<@Nullable ConnectionSnapshot> connections) {
        ConnectionSnapshot first = connections.isEmpty() ? null : connections.getFirst();
        if (first == null) {
            return new Refused(NotCarried.NOT_ESTABLISHED);
        }
        long[] arriving = FlowKey.newKey();
        TupleFields.write(first, TupleFields.arriving(first, direction(walk.reply())), arriving);
        Field.IN_PORT.set(arriving, walk.inPort());
        Field unknown = undoBeforeTracking(walk, first.protocol, arriving);
        if (unknown != null) {
            return new Refused(NotCarried.WRITES, unknown);
        }
        return new PathComposer(walk, connections, first, arriving).compose();
    }

    private static Direction direction(boolean reply) {
        return reply ? Direction.REPLY : Direction.ORIGINAL;
    }

    /**
     * Turns the tuple that the first {@code ct()} has seen into the one that came in: bits that were written before it
     * are in the key of the flow that wrote them.
     *
     * @return the field of which that is not so; null: it is of all
     */
    private static @Nullable Field undoBeforeTracking(SampledWalk walk, int protocol, long[] tuple) {
        long[] written = null;
        for (DatapathFlow flow : walk.flows()) {
            for (DatapathAction action : flow.actions()) {
                if (action instanceof DatapathAction.Ct) {
                    return null;
                }
                if (action instanceof DatapathAction.SetField set && isOfTuple(set.field(), protocol)) {
                    Field field = set.field();
                    written = written == null ? FlowKey.newKey() : written;
                    long high = set.maskHigh() & ~field.getHigh(written);
                    long low = set.maskLow() & ~field.get(written);
                    if ((high & ~field.getHigh(flow.mask())) != 0 || (low & ~field.get(flow.mask())) != 0) {
                        return field;
                    }
                    field.set(
                            tuple,
                            field.getHigh(tuple) & ~high | field.getHigh(flow.key()) & high,
                            field.get(tuple) & ~low | field.get(flow.key()) & low);
                    field.set(written, field.getHigh(written) | high, field.get(written) | low);
                }
            }
        }
        return null;
    }

    private static boolean isOfTuple(Field field, int protocol) {
        return switch (field) {
            case NW_SRC, NW_DST, IPV6_SRC, IPV6_DST -> true;
            case TP_SRC, TP_DST -> TupleFields.hasPorts(protocol);
            default -> false;
        };
    }

    private Composition compose() {
        for (int round = 0; round < walk.flows().size() && refused == null; round++) {
            meet(walk.flows().get(round), round);
        }
        if (refused != null) {
            return refused;
        }
        SymbolicPacket last = leaving;
        if (last == null) {
            return new Refused(NotCarried.NO_OUTPUT);
        }
        if (last.hasServiceTag()) {
            return new Refused(NotCarried.SERVICE_TAG);
        }
        TupleView arrives =
                TupleFields.view(first, packet.arriving(), TupleFields.arriving(first, direction(walk.reply())).icmpId);
        TupleView leaves = TupleFields.view(first, last.value, leavingIcmpId);
        return new Composed(
                builtMembers(),
                walk.inPort(),
                arrives,
                packet.guard(),
                egress,
                leaves.equals(arrives) ? arrives : leaves,
                packet.rewrites(last),
                List.copyOf(steps));
    }

    private List<Member> builtMembers() {
        if (members.size() == 1) { // as mostly, a million times
            return List.of(members.getFirst().build());
        }
        return members.stream().map(MemberBuilder::build).toList();
    }

    private void refuse(@Nullable Refused why) {
        if (refused == null) {
            refused = why;
        }
    }

    private void refuse(NotCarried why) {
        refuse(new Refused(why));
    }

    private void meet(DatapathFlow flow, int round) {
        steps.add(new Step(flow, packet.extraBytes()));
        refuse(packet.lookedAtBy(flow));
        lookAtConnection(flow);
        DatapathAction[] actions = flow.actions();
        if (actions.length == 0) {
            refuse(NotCarried.DROPPED);
        }
        for (int i = 0; i < actions.length && refused == null; i++) {
            boolean isLast = i == actions.length - 1;
            if (actions[i] instanceof DatapathAction.Recirculate recirculate) {
                refuse(isLast ? objectionTo(recirculate, round) : new Refused(NotCarried.MORE_THAN_ONE_OUTPUT));
            } else {
                perform(actions[i]);
                if (isLast && round < walk.flows().size() - 1) {
                    refuse(NotCarried.UNEXPECTED);
                }
            }
        }
    }

    private @Nullable Refused objectionTo(DatapathAction.Recirculate recirculate, int round) {
        if (round == walk.flows().size() - 1) {
            return new Refused(NotCarried.UNFINISHED);
        }
        int met = (int) Field.RECIRC_ID.get(walk.flows().get(round + 1).key());
        return met == recirculate.recirculationId() ? null : new Refused(NotCarried.UNEXPECTED);
    }

    private void perform(DatapathAction action) {
        switch (action) {
            case DatapathAction.Output output -> output(output.port());
            case DatapathAction.OutputTruncated _ -> refuse(NotCarried.TRUNCATED);
            case DatapathAction.Ct ct -> track(ct.request());
            case DatapathAction.CtClear _ -> untrack();
            case DatapathAction.SetField set ->
                refuse(packet.set(set.field(), set.valueHigh(), set.valueLow(), set.maskHigh(), set.maskLow()));
            case DatapathAction.PushVlan push -> refuse(packet.pushTag(push.tpid(), push.tci()));
            case DatapathAction.PopVlan _ -> packet.popTag();
            case DatapathAction.PushMpls _, DatapathAction.PopMpls _, DatapathAction.AddMpls _ ->
                refuse(NotCarried.MPLS);
            case DatapathAction.PushEthernet _,
                    DatapathAction.PopEthernet _,
                    DatapathAction.PushNsh _,
                    DatapathAction.PopNsh _ -> refuse(NotCarried.ENCAPSULATED);
            case DatapathAction.Userspace _ -> refuse(NotCarried.TO_CONTROLLER);
            case DatapathAction.Clone _, DatapathAction.Recirculate _ -> refuse(NotCarried.MORE_THAN_ONE_OUTPUT);
            case DatapathAction.Hash hash -> packet.hash(hash.algorithm(), hash.basis());
            case DatapathAction.Metered _ -> refuse(NotCarried.METERED);
            case DatapathAction.CheckPacketLength _ -> refuse(NotCarried.PACKET_LENGTH);
            case DatapathAction.Drop _ -> refuse(NotCarried.DROPPED);
        }
    }

    private void output(int port) {
        if (leaving != null) {
            refuse(NotCarried.MORE_THAN_ONE_OUTPUT);
        }
        leaving = packet.copy();
        leavingIcmpId = icmpId;
        egress = port;
    }

    // ---- connections ----

    /** Bits of mark and label that the flow looks at have to stay as they are; its ct_state does by itself. */
    private void lookAtConnection(DatapathFlow flow) {
        MemberBuilder member = tracked;
        if (member != null
                && !(member.addMark((int) Field.CT_MARK.get(flow.key()), (int) Field.CT_MARK.get(flow.mask()))
                        && member.addLabel(
                                Field.CT_LABEL.getHigh(flow.key()),
                                Field.CT_LABEL.get(flow.key()),
                                Field.CT_LABEL.getHigh(flow.mask()),
                                Field.CT_LABEL.get(flow.mask())))) {
            refuse(NotCarried.WRITES_CONNECTION);
        }
    }

    private void track(CtRequest request) {
        if (trackings == walk.trackings().size()) {
            refuse(NotCarried.UNFINISHED);
            return;
        }
        Tracking tracking = walk.trackings().get(trackings);
        ConnectionSnapshot connection = connections.get(trackings);
        trackings++;
        if (connection == null || connection.removed || (tracking.ctState() & MET_STATES) != CtState.EST) {
            refuse(NotCarried.NOT_ESTABLISHED);
            return;
        }
        refuse(objectionTo(connection, request));
        Direction direction = direction((tracking.ctState() & CtState.RPL) != 0);
        boolean again = trackedConnection != null
                && trackedConnection.connectionId == connection.connectionId
                && trackedConnection.zone == request.zone();
        if (!again) {
            translated = false;
            if (!TupleFields.isOf(connection, TupleFields.arriving(connection, direction), packet.value)) {
                refuse(NotCarried.UNEXPECTED);
            }
        }
        trackedConnection = connection;
        MemberBuilder member = member(connection.connectionId, direction);
        tracked = member;
        writeConnection(member, connection, request);
        if (request.nat() != null && !translated) {
            translate(connection, direction);
        }
    }

    private static @Nullable Refused objectionTo(ConnectionSnapshot connection, CtRequest request) {
        NotCarried reason = null;
        if (!connection.established) {
            reason = NotCarried.NOT_ESTABLISHED;
        } else if (connection.zone != request.zone()) {
            reason = NotCarried.UNEXPECTED;
        } else if (request.force()) {
            reason = NotCarried.FORCE;
        } else {
            reason = switch (connection.control) {
                case NO -> null;
                case UNKNOWN -> NotCarried.CONTROL_UNKNOWN;
                case YES -> NotCarried.CONTROL;
            };
        }
        return reason == null ? null : new Refused(reason);
    }

    private MemberBuilder member(long connectionId, Direction direction) {
        for (MemberBuilder member : members) {
            if (member.connectionId == connectionId) {
                if (member.direction != direction) {
                    refuse(NotCarried.UNEXPECTED);
                }
                return member;
            }
        }
        MemberBuilder member = new MemberBuilder(connectionId, direction);
        members.add(member);
        return member;
    }

    /** What ct() writes does nothing as long as the connection has it already. */
    private void writeConnection(MemberBuilder member, ConnectionSnapshot connection, CtRequest request) {
        boolean differs = ((connection.mark ^ request.mark()) & request.markMask()) != 0
                || ((connection.labelHigh ^ request.labelHigh()) & request.labelMaskHigh()) != 0
                || ((connection.labelLow ^ request.labelLow()) & request.labelMaskLow()) != 0;
        if (differs
                || !member.addMark(request.mark(), request.markMask())
                || !member.addLabel(
                        request.labelHigh(), request.labelLow(), request.labelMaskHigh(), request.labelMaskLow())) {
            refuse(NotCarried.WRITES_CONNECTION);
        }
    }

    /** Nothing changes about a connection that is not translated. */
    private void translate(ConnectionSnapshot connection, Direction direction) {
        ConnectionSnapshot.Tuple answer = TupleFields.arriving(connection, direction.opposite());
        TupleFields.writeTurned(connection, answer, packet.value);
        if (connection.protocol == IpProtocols.ICMP || connection.protocol == IpProtocols.ICMPV6) {
            icmpId = answer.icmpId;
        }
        translated = true;
    }

    private void untrack() {
        tracked = null;
        trackedConnection = null;
        translated = false;
    }
}
