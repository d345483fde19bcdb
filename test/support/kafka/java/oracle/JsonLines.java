import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.lang.reflect.InvocationTargetException;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;

/** Answers {"id", "command", …} lines of standard input with {"id", "result"} or {"id", "error"} lines, until the input ends. */
final class JsonLines {
    /** What one command does with its line. */
    interface Command {
        JsonNode run(JsonNode line) throws Exception;
    }

    static final ObjectMapper JSON = new ObjectMapper();

    /** Takes standard output for itself: whatever else prints goes to standard error. */
    static void serve(Map<String, Command> commands, Executor executor) throws Exception {
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        System.setOut(System.err);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String text; (text = in.readLine()) != null; ) {
            JsonNode line = JSON.readTree(text);
            executor.execute(() -> {
                byte[] answer = answer(commands, line);
                synchronized (out) {
                    out.write(answer, 0, answer.length);
                    out.write('\n');
                    out.flush();
                }
            });
        }
        Runtime.getRuntime().halt(0);
    }

    private static byte[] answer(Map<String, Command> commands, JsonNode line) {
        ObjectNode answer = JSON.createObjectNode();
        answer.set("id", line.get("id"));
        try {
            Command command = commands.get(line.path("command").asText());
            if (command == null) throw new IllegalArgumentException("no command " + line.path("command"));
            answer.set("result", command.run(line));
        } catch (Throwable thrown) {
            Throwable cause = (thrown instanceof ExecutionException || thrown instanceof InvocationTargetException) && thrown.getCause() != null ? thrown.getCause() : thrown;
            answer.putObject("error").put("type", cause.getClass().getSimpleName()).put("message", String.valueOf(cause.getMessage()));
        }
        try {
            return JSON.writeValueAsBytes(answer);
        } catch (Exception impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private JsonLines() { }
}
