package io.turnstile.control;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One command of {@code ovs-appctl}. What is known of a command stands in its row and nowhere else: the server checks
 * the number of words by it, and {@code list-commands} prints it.
 *
 * @param name such as {@code dpctl/show}
 * @param usage what {@code list-commands} shows behind the name
 * @param minArguments with fewer words the command is refused
 * @param maxArguments with more words the command is refused
 * @param handler gets the words behind the name and returns at once; any thread may complete its future, which is
 *     cancelled if the asker goes away
 * @param json the same for who asks for JSON; null if there is text alone
 */
public record Command(
        String name,
        String usage,
        int minArguments,
        int maxArguments,
        Function<List<String>, CompletableFuture<CommandReply>> handler,
        @Nullable Function<List<String>, CommandReply> json) {
    /** A number of arguments without a limit. */
    public static final int ANY_NUMBER = Integer.MAX_VALUE;

    /** A command whose reply is there when its handler returns. */
    public static Command of(
            String name,
            String usage,
            int minArguments,
            int maxArguments,
            Function<List<String>, CommandReply> handler) {
        return new Command(
                name,
                usage,
                minArguments,
                maxArguments,
                arguments -> CompletableFuture.completedFuture(handler.apply(arguments)),
                null);
    }

    /** The same with JSON for who asks for it. */
    public Command orJson(Function<List<String>, CommandReply> instead) {
        return new Command(name, usage, minArguments, maxArguments, handler, instead);
    }

    /** What answers in that format. */
    CompletableFuture<CommandReply> run(List<String> words, ReplyFormat format) {
        Function<List<String>, CommandReply> asJson = json;
        return format == ReplyFormat.JSON && asJson != null
                ? CompletableFuture.completedFuture(asJson.apply(words))
                : handler.apply(words);
    }

    /**
     * A command whose reply may take a while. It holds up no other connection; on its own connection requests go on
     * being answered in their order.
     */
    public static Command later(
            String name,
            String usage,
            int minArguments,
            int maxArguments,
            Function<List<String>, CompletableFuture<CommandReply>> handler) {
        return new Command(name, usage, minArguments, maxArguments, handler, null);
    }

    /** The refusal of a wrong number of words, in Open vSwitch's words; null if their number is right. */
    @Nullable
    CommandReply refusal(List<String> arguments) {
        if (arguments.size() < minArguments) {
            return CommandReply.error("\"" + name + "\" command requires at least " + minArguments + " arguments");
        }
        if (arguments.size() > maxArguments) {
            return tooMany(name, maxArguments);
        }
        return null;
    }

    /** The refusal of more words than {@code most}, for a command that counts some of them only. */
    public static CommandReply tooMany(String name, int most) {
        return CommandReply.error("\"" + name + "\" command takes at most " + most + " arguments");
    }
}
