package io.turnstile.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;
import io.turnstile.packet.EtherTypes;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.PacketInReason;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Every field of {@link WalkState}, found by reflection: none may be forgotten at a patch port or a recirculation. */
class WalkStateTest {
    /**
     * What does not outlive a recirculation: the flow that ran is over, the packet has a connection then, and is looked
     * at anew.
     */
    private static final Set<String> NOT_FROZEN = Set.of(
            "ruleCookie",
            "rule",
            "inTableMiss",
            "inActionSet",
            "inBucket",
            "exited",
            "conntrackVisible",
            "lostLabels",
            "freezing",
            "frozen",
            "pause",
            "rest");

    private final PipelineBench bench = new PipelineBench(1);
    private final BridgePipeline br1 = bench.pipeline.addBridge("br1", 2);
    private final PortLocation here = new PortLocation(bench.br0, 1);
    private final PortLocation behind = new PortLocation(br1, 11);

    private static Map<String, Object> pieces(WalkState state) {
        Map<String, Object> pieces = new TreeMap<>();
        eachPiece(field -> pieces.put(field.getName(), copyOf(valueOf(field, state))));
        return pieces;
    }

    private static void eachPiece(Consumer<java.lang.reflect.Field> action) {
        Arrays.stream(WalkState.class.getDeclaredFields())
                .filter(field -> !Modifier.isStatic(field.getModifiers()))
                .forEach(field -> {
                    field.setAccessible(true);
                    action.accept(field);
                });
    }

    private static Object valueOf(java.lang.reflect.Field field, WalkState state) {
        try {
            return field.get(state);
        } catch (IllegalAccessException e) {
            throw new AssertionError(e);
        }
    }

    private static Object copyOf(Object value) {
        return switch (value) {
            case null -> "none";
            case long[] words -> Arrays.stream(words).boxed().toList();
            case List<?> list -> List.copyOf(list);
            default -> value;
        };
    }

    /** Writes something that is no default into every piece; the bridge is another one wherever it has to be. */
    private static void scribble(WalkState state, int salt) {
        eachPiece(field -> {
            try {
                if (field.getType() == Rule.class) {
                    field.set(state, Rule.internal(7 + salt, List.of(), 0));
                    return;
                }
                if (field.getType() == OfAction.Controller.class) {
                    field.set(state, new OfAction.Controller(7 + salt, PacketInReason.ACTION, 0));
                    return;
                }
                switch (valueOf(field, state)) {
                    case Integer _ -> field.setInt(state, 7 + salt);
                    case Long _ -> field.setLong(state, 70L + salt);
                    case Boolean _ -> field.setBoolean(state, true);
                    case long[] words -> scribble(words, salt);
                    case VlanStack vlan -> field.set(state, vlan.push(EtherTypes.VLAN, salt));
                    case BridgePipeline _ ->
                        assertThat(Modifier.isFinal(field.getModifiers())).isTrue();
                    case List<?> list -> scribble(field, list, salt);
                    default -> throw new AssertionError("say here how to change " + field);
                }
            } catch (IllegalAccessException e) {
                throw new AssertionError(e);
            }
        });
    }

    private static void scribble(long[] words, int salt) {
        for (Field field : Field.values()) {
            field.set(
                    words, field.highMask() & (0x1234_5678L + salt), field.lowMask() & (0x0101_0101_0101_0101L * salt));
        }
    }

    @SuppressWarnings("unchecked")
    private static void scribble(java.lang.reflect.Field field, List<?> list, int salt) {
        if (field.getName().equals("stack")) {
            ((List<Long>) list).add((long) salt);
        } else if (field.getName().equals("frozen")) {
            ((List<FrozenActions>) list).add(new FrozenActions(salt, salt, true, List.of()));
        } else {
            ((List<OfAction>) list).add(new OfAction.Output(salt));
        }
    }

    private Walk walkHere() {
        Walk walk = new Walk(bench.pipeline, FlowKey.newKey(), 0, WalkReport.SILENT, true);
        walk.enter(here);
        return walk;
    }

    @Test
    void everyPieceComesBackFromBehindAPatchPortAsItWas() {
        Walk walk = walkHere();
        scribble(walk.state, 1);
        Map<String, Object> before = pieces(walk.state);
        List<String> changed = new ArrayList<>();
        walk.behindPatchPort(behind, () -> {
            scribble(walk.state, 2);
            pieces(walk.state).forEach((name, value) -> {
                if (!value.equals(before.get(name)) || value.equals(true)) {
                    changed.add(name);
                }
            });
        });
        assertThat(changed).as("changed over there").containsExactlyInAnyOrderElementsOf(before.keySet());
        assertThat(pieces(walk.state)).isEqualTo(before);
    }

    /**
     * But for stack, action set, rule and cookie: a flow that a bucket resubmits to may change these for good. What is
     * paused in it has gone to the controllers by then.
     */
    @Test
    void behindABucketThePacketIsAsItWas() {
        Walk walk = walkHere();
        scribble(walk.state, 1);
        walk.state.exited = false;
        Map<String, Object> before = pieces(walk.state);
        walk.inBucket(() -> scribble(walk.state, 2));
        Map<String, Object> behind = pieces(walk.state);
        for (String kept : List.of("stack", "actionSet", "rule", "ruleCookie", "tableId", "pause", "rest")) {
            before.remove(kept);
            behind.remove(kept);
        }
        assertThat(behind).isEqualTo(before);
    }

    @Test
    void nothingButThePacketAndTheCookieIsSeenBehindAPatchPort() {
        WalkState first = WalkState.entering(here, FlowKey.newKey(), VlanStack.of(FlowKey.newKey()));
        scribble(first, 1);
        long[] packet = first.key.clone();
        PipelineFields.clear(packet);
        ConntrackFields.clear(packet);
        WalkState fresh = WalkState.entering(behind, packet, first.vlan());
        fresh.ruleCookie = first.ruleCookie;
        fresh.lostLabels = true; // the packet's
        assertThat(pieces(first.behindPatchPort(behind))).isEqualTo(pieces(fresh));
    }

    @Test
    void everyPieceOutlivesARecirculationUnlessItIsNamedHere() {
        WalkState first = WalkState.entering(here, FlowKey.newKey(), VlanStack.of(FlowKey.newKey()));
        scribble(first, 1);
        long[] packet = first.key.clone();
        PipelineFields.clear(packet);
        Field.IN_PORT.set(packet, 99);
        WalkState resumed = WalkState.thawed(first.freeze(first.tableId), packet, first.vlan());
        Map<String, Object> expected = pieces(first);
        Map<String, Object> actual = pieces(resumed);
        assertThat(expected.keySet()).containsAll(NOT_FROZEN);
        expected.keySet().removeAll(NOT_FROZEN);
        actual.keySet().removeAll(NOT_FROZEN);
        assertThat(actual).isEqualTo(expected);
    }

    /**
     * A new piece of state belongs into {@link WalkState}, unless it is about the whole translation: then it is named
     * here.
     */
    @Test
    void nothingElseChangesFromActionToAction() {
        assertThat(variables(Walk.class))
                .containsExactlyInAnyOrder(
                        "state",
                        "actions",
                        "failure",
                        "idleReason",
                        "cacheable",
                        "slow",
                        "addedActions",
                        "inPacketOut",
                        "ofOnePacket",
                        "wantedHash",
                        "beginning",
                        "arrivalPort");
        assertThat(variables(Translator.class)).containsExactlyInAnyOrder("depth", "resubmits", "beginning");
        assertThat(Stream.of(
                                OutputActions.class,
                                NormalForwarding.class,
                                NormalVlans.class,
                                FieldActions.class,
                                VlanActions.class,
                                GroupActions.class,
                                ConntrackActions.class)
                        .flatMap(type -> variables(type).stream()))
                .isEmpty();
    }

    private static Set<String> variables(Class<?> type) {
        return Arrays.stream(type.getDeclaredFields())
                .filter(field -> !Modifier.isFinal(field.getModifiers()))
                .map(java.lang.reflect.Field::getName)
                .collect(Collectors.toSet());
    }
}
