package io.turnstile.embedded.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.embedded.model.Conversation.Sending;
import io.turnstile.embedded.model.RandomRules.Rule;
import io.turnstile.packet.FrameView;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * Two switches get the same script, decided by a seed: random rules over two bridges, conversations through them, and
 * changes of everything. One forwards all by itself, of the other a provider carries what it may. Whoever carries:
 * every packet leaves by the same ports with the same bytes, also the first one after each change, and all counters
 * agree in the end.
 */
public final class PathsModel {
    private static final int CONVERSATIONS = 6;
    private static final int SMALL_MTU_BYTES = 100;
    private static final int USUAL_MTU_BYTES = 1500;
    private static final int MOST_ROUNDS_OF_EXPIRY = 100;
    private static final int HISTORY_LENGTH = 400;
    private static final long POLL_NS = Duration.ofMillis(200).toNanos();

    private final long seed;
    private final Random random;
    private final ModelWorld software;
    private final ModelWorld carrying;
    private final RandomRules rules;
    private final List<Conversation> conversations = new ArrayList<>();
    private final Set<ModelPort> present = EnumSet.allOf(ModelPort.class);
    private final List<String> history = new ArrayList<>();
    private int nextSourcePort = 20_000;

    public PathsModel(long seed, ModelWorld software, ModelWorld carrying) {
        this.seed = seed;
        this.software = software;
        this.carrying = carrying;
        random = new Random(seed);
        rules = new RandomRules(random, software.hasClockByHand());
    }

    public void play(int rounds) {
        carrying.setOffload(true);
        add(rules.first());
        for (int round = 0; round < rounds; round++) {
            int packets = 20 + random.nextInt(60);
            for (int i = 0; i < packets; i++) {
                talk();
            }
            change();
            if (random.nextInt(3) == 0) {
                check();
            }
        }
        check();
    }

    private void both(String what, Consumer<ModelWorld> step) {
        history.add(what);
        step.accept(software);
        step.accept(carrying);
    }

    // ---- packets ----

    private void talk() {
        conversations.removeIf(Conversation::isOver);
        while (conversations.size() < CONVERSATIONS) {
            conversations.add(newConversation());
        }
        int chosen = random.nextInt(CONVERSATIONS);
        Conversation conversation = conversations.get(chosen);
        Sending sending = conversation.next();
        if (present.contains(sending.port())) {
            conversation.arrived(send(sending));
        }
        if (random.nextInt(200) == 0) {
            conversations.remove(chosen);
        }
    }

    private Conversation newConversation() {
        ModelPort toward = any(ModelPort.SERVERS);
        boolean ipv6 = random.nextBoolean();
        boolean virtual = rules.translatesDestinations() && random.nextBoolean();
        String destination = virtual ? ModelPort.virtualAddress(ipv6) : toward.address(ipv6, 1 + random.nextInt(2));
        // No port comes twice, so that translating never has to look for another one: which it finds is by a secret.
        return new Conversation(random, any(ModelPort.CLIENTS), toward, destination, nextSourcePort++);
    }

    private Map<ModelPort, List<byte[]>> send(Sending sending) {
        Map<ModelPort, List<byte[]>> expected = software.send(sending.port(), sending.frame());
        Map<ModelPort, List<byte[]>> sent = carrying.send(sending.port(), sending.frame());
        String what = "in by " + sending.port() + " " + FrameView.of(sending.frame()) + " "
                + HexFormat.of().formatHex(sending.frame());
        history.add(what);
        assertThat(text(sent)).as("what left, %s%n%s", what, this).isEqualTo(text(expected));
        return expected;
    }

    private static Map<ModelPort, List<String>> text(Map<ModelPort, List<byte[]>> sent) {
        Map<ModelPort, List<String>> text = new TreeMap<>();
        sent.forEach((port, frames) ->
                text.put(port, frames.stream().map(HexFormat.of()::formatHex).toList()));
        return text;
    }

    // ---- changes ----

    private void change() {
        switch (random.nextInt(16)) {
            case 0, 1, 2 -> {
                add(List.of(rules.added()));
            }
            case 3, 4 -> {
                Rule rule = rules.removed();
                both("delete " + rule, world -> world.deleteFlows(rule.bridge(), "cookie=" + rule.cookie() + "/-1"));
            }
            case 5 -> {
                Rule rule = rules.rewritten();
                both("modify " + rule, world -> world.modifyFlows(rule.bridge(), rule.text()));
            }
            case 6 -> {
                add(List.of(rules.rewritten()));
            }
            case 7, 8 -> add(rules.skeleton());
            case 9 -> changePort();
            case 10 -> {
                ModelPort port = any(List.copyOf(present));
                int mtuBytes = random.nextBoolean() ? SMALL_MTU_BYTES : USUAL_MTU_BYTES;
                both("mtu " + port + " " + mtuBytes, world -> world.setMtu(port, mtuBytes));
            }
            case 11 -> {
                ModelPort port = any(List.copyOf(present));
                int mask = any(software.configurations());
                int config = random.nextInt(3) == 0 ? mask : 0;
                both("port " + port + " " + config + "/" + mask, world -> world.configurePort(port, config, mask));
            }
            case 12 -> {
                int zone = 1 + random.nextInt(3);
                int seconds = 2 + random.nextInt(20);
                both("timeout " + zone + " " + seconds, world -> world.setUdpTimeout(zone, seconds));
            }
            case 13 -> {
                int zone = random.nextInt(4);
                both("flush " + zone, zone == 0 ? ModelWorld::flushConnections : world -> world.flushConnections(zone));
            }
            case 14 -> {
                boolean on = random.nextInt(3) > 0;
                history.add("offload " + on);
                carrying.setOffload(on);
            }
            default -> advance(Duration.ofMillis(500L * (1 + random.nextInt(random.nextInt(5) == 0 ? 25 : 6))));
        }
    }

    private void add(List<Rule> added) {
        added.forEach(rule -> history.add("add " + rule));
        for (int bridge = 0; bridge < 2; bridge++) {
            int here = bridge;
            List<String> lines = added.stream()
                    .filter(rule -> rule.bridge() == here)
                    .map(Rule::line)
                    .toList();
            if (!lines.isEmpty()) {
                software.addFlows(here, lines);
                carrying.addFlows(here, lines);
            }
        }
    }

    private void changePort() {
        ModelPort port = any(List.of(ModelPort.values()));
        if (present.remove(port)) {
            both("remove " + port, world -> world.removePort(port));
        } else {
            present.add(port);
            both("add " + port, world -> world.addPort(port));
        }
    }

    private void advance(Duration time) {
        both("advance " + time, world -> world.advance(time));
        // What is at its deadline may be gone in one world and not yet in the other.
        for (int i = 0; i < MOST_ROUNDS_OF_EXPIRY && (software.isAboutToExpire() || carrying.isAboutToExpire()); i++) {
            both("and more", world -> world.advance(Duration.ofMillis(500)));
        }
    }

    private void check() {
        advance(Duration.ofMillis(500));
        history.add("check");
        List<String> expected = software.counters();
        List<String> counters = carrying.counters();
        long untilNs = System.nanoTime() + carrying.patience().toNanos();
        while (!counters.equals(expected) && System.nanoTime() - untilNs < 0) {
            LockSupport.parkNanos(POLL_NS);
            expected = software.counters();
            counters = carrying.counters();
        }
        assertThat(String.join("\n", counters)).as("counters%n%s", this).isEqualTo(String.join("\n", expected));
    }

    private <T> T any(List<T> all) {
        return all.get(random.nextInt(all.size()));
    }

    /** What has been done so far. */
    @Override
    public String toString() {
        List<String> last = history.subList(Math.max(0, history.size() - HISTORY_LENGTH), history.size());
        return "seed " + seed + "\n" + String.join("\n", last);
    }
}
