package io.turnstile.pipeline;

import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;
import io.turnstile.packet.IpProtocols;
import io.turnstile.pipeline.flow.ActionCheck;
import io.turnstile.pipeline.flow.Bits;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfAction.FieldPart;
import io.turnstile.pipeline.flow.OfAction.LearnedPart;
import io.turnstile.pipeline.flow.OfAction.Ports;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.pipeline.flow.Prerequisites;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * The actions that change flows: {@code learn} and {@code fin_timeout}. What they come to is noted, and done once the
 * walk is over ({@link SideEffect}). Threads: one, under the table lock.
 */
final class LearnActions {
    private static final int PORT_BITS = 16;
    private static final int FIN_OR_RST = 0x5;

    private final Walk walk;
    private final FieldActions fields;

    LearnActions(Walk walk, FieldActions fields) {
        this.walk = walk;
        this.fields = fields;
    }

    // ---- learn ----

    void learn(OfAction.Learn learn) {
        if (!walk.learns) {
            lookAtSources(learn);
            walk.report.warning("suppressing side effects, so learn action ignored");
            return;
        }
        FlowMod flow = flowOf(learn);
        walk.report.learned(flow);
        try {
            ActionCheck.check(flow.actions(), flow.match(), flow.tableId());
        } catch (OfException refused) {
            walk.report.error("LEARN action execution failed (" + refused.code() + ").");
            return;
        }
        LearnedFlow learned = new LearnedFlow(walk.state.bridge, flow, learn.limit());
        boolean possible = learned.isPossible();
        if (possible) {
            walk.recorder.changes(learned);
        } else {
            walk.recorder.refusedBy(walk.state.bridge.table(learn.tableId()));
        }
        if (learn.result() != null) {
            fields.load(learn.result().toKey(), new Bits(0, possible ? 1 : 0));
        }
    }

    private void lookAtSources(OfAction.Learn learn) {
        flowOf(learn);
    }

    private FlowMod flowOf(OfAction.Learn learn) {
        long[] value = FlowKey.newKey();
        long[] mask = FlowKey.newKey();
        List<OfAction> actions = new ArrayList<>();
        if (learn.finIdleTimeoutSeconds() != 0 || learn.finHardTimeoutSeconds() != 0) {
            actions.add(new OfAction.FinTimeout(learn.finIdleTimeoutSeconds(), learn.finHardTimeoutSeconds()));
        }
        for (LearnedPart part : learn.parts()) {
            switch (part) {
                case LearnedPart.Matched a ->
                    match(a.destination(), fields.read(a.source().toKey()), value, mask);
                case LearnedPart.MatchedValue a -> match(a.destination(), a.value(), value, mask);
                case LearnedPart.Loaded a ->
                    actions.add(load(a.destination(), fields.read(a.source().toKey())));
                case LearnedPart.LoadedValue a -> actions.add(load(a.destination(), a.value()));
                case LearnedPart.Output a -> output(fields.read(a.source().toKey()), actions);
            }
        }
        return new FlowMod(
                FlowMod.Command.ADD,
                learn.tableId(),
                learn.priority(),
                matchOf(value, mask),
                learn.cookie(),
                0,
                FlowMod.NO_COOKIE,
                learn.idleTimeoutSeconds(),
                learn.hardTimeoutSeconds(),
                0,
                Ports.NONE,
                learn.sendFlowRem() ? Set.of(FlowMod.Flag.SEND_FLOW_REM) : Set.of(),
                List.copyOf(actions));
    }

    private static void match(FieldPart part, Bits bits, long[] value, long[] mask) {
        OfAction.SubField place = part.toKey();
        Field field = place.field();
        if (field == Field.IN_PORT && part.widthBits() == PORT_BITS) {
            Field.IN_PORT.set(value, Integer.toUnsignedLong(Ports.widened((int) bits.low())));
            Field.IN_PORT.setExact(mask);
            return;
        }
        Bits covered = Bits.maskOf(place);
        bits.shiftedLeft(place.offsetBits()).writeTo(field, covered, value);
        covered.orInto(field, mask);
    }

    private static Match matchOf(long[] value, long[] mask) {
        Match.Builder match = Match.builder();
        for (Field field : Field.values()) {
            if (!field.isView() && (field.get(mask) != 0 || field.getHigh(mask) != 0)) {
                match.masked(field, field.getHigh(value), field.get(value), field.getHigh(mask), field.get(mask));
            }
        }
        return match.build();
    }

    private static OfAction load(FieldPart part, Bits bits) {
        OfAction.SubField place = part.toKey();
        if (place.field() == Field.IN_PORT && part.widthBits() == PORT_BITS) {
            long port = Integer.toUnsignedLong(Ports.widened((int) bits.low()));
            return new OfAction.SetField(Field.IN_PORT, 0, port, 0, Field.IN_PORT.lowMask(), true);
        }
        Bits placed = bits.shiftedLeft(place.offsetBits());
        Bits mask = Bits.maskOf(place);
        return new OfAction.SetField(place.field(), placed.high(), placed.low(), mask.high(), mask.low(), true);
    }

    /** A number that is no port's is passed over, as in Open vSwitch. */
    private static void output(Bits number, List<OfAction> actions) {
        if (number.high() != 0 || number.low() < 0 || number.low() > Ports.MAX_16_BITS + 0xff) {
            return;
        }
        int port = Ports.widened((int) number.low());
        boolean possible = Integer.compareUnsigned(port, Ports.MAX) < 0
                || port == Ports.IN_PORT
                || port == Ports.FLOOD
                || port == Ports.LOCAL
                || port == Ports.ALL;
        if (possible) {
            actions.add(new OfAction.Output(port));
        }
    }

    // ---- fin_timeout ----

    void shortenTimeouts(OfAction.FinTimeout timeouts) {
        Rule rule = walk.state.rule;
        long[] key = walk.state.key;
        boolean tcp = Prerequisites.isIp((int) Field.ETH_TYPE.get(key)) && Field.NW_PROTO.get(key) == IpProtocols.TCP;
        if (rule == null || !tcp) {
            return;
        }
        Field.NW_PROTO.setExact(walk.wildcards);
        new Bits(0, FIN_OR_RST).orInto(Field.TCP_FLAGS, walk.wildcards);
        if ((Field.TCP_FLAGS.get(key) & FIN_OR_RST) != 0 && walk.learns) {
            walk.recorder.changes(
                    new FinTimeouts(walk.state.bridge, rule, timeouts.idleSeconds(), timeouts.hardSeconds()));
        }
    }
}
