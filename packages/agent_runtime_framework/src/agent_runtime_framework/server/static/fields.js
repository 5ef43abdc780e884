/** Native controls for the open fields of a form step, made from its JSON Schema. */

let count = 0;

/**
 * A form for these fields.
 *
 * @param {object} schema JSON Schema of an object.
 * @param {Record<string, any>} values What is known already.
 * @param {(values: Record<string, any>) => Promise<void>} submit Sends what was filled in; a refusal is shown.
 * @returns {HTMLFormElement}
 */
export function fieldsOf(schema, values, submit) {
  const form = element("form", { class: "fields" });
  const names = Object.keys(schema.properties || {});
  const controls = names.map((name) => {
    const control = controlFor(name, resolved(schema.properties[name], schema), values[name]);
    form.append(control.node);
    return [name, control];
  });
  const trouble = element("p", { class: "trouble", role: "alert", hidden: "" });
  const send = element("button", { type: "submit", class: "primary" }, "Send");
  form.append(trouble, send);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const read = controls.map(([name, control]) => [name, control.read()]);
    if (read.every(([, value]) => value === undefined)) return;
    // What may be left out and was left empty is not asked for again.
    const left = read.map(([name, value]) => [name, value ?? (schema.required?.includes(name) ? undefined : null)]);
    const filled = Object.fromEntries(left.filter(([, value]) => value !== undefined));
    send.disabled = true;
    trouble.hidden = true;
    try {
      await submit(filled);
    } catch (error) {
      trouble.textContent = error.message;
      trouble.hidden = false;
    } finally {
      send.disabled = false;
    }
  });
  return form;
}

/** The field and its choices, if one tap answers: a single field with few of them. Otherwise null. */
export function choicesOf(schema) {
  const names = Object.keys(schema.properties || {});
  if (names.length !== 1) return null;
  const property = resolved(schema.properties[names[0]], schema);
  const choices = property.type === "boolean" ? [true, false] : property.enum;
  return choices && choices.length <= 6 ? { name: names[0], choices } : null;
}

/** The words for a choice. */
export function wordFor(choice) {
  if (choice === true) return "Yes";
  if (choice === false) return "No";
  return String(choice).replaceAll("_", " ");
}

function controlFor(name, property, value) {
  const id = `field-${(count += 1)}`;
  const title = property.title || name.replaceAll("_", " ");
  const label = element("label", { for: id }, title);
  const choices = property.type === "boolean" ? [true, false] : property.enum;
  const input = choices ? select(id, choices, value) : entry(id, property, value);
  const node = element("div", { class: "field" });
  node.append(label);
  if (property.description) {
    const hint = element("small", { id: `${id}-hint` }, property.description);
    input.setAttribute("aria-describedby", hint.id);
    node.append(hint);
  }
  node.append(input);
  const read = () => {
    if (input.value === "") return undefined;
    if (choices) return choices[Number(input.value)];
    if (property.type === "integer" || property.type === "number") return Number(input.value);
    if (property.type === "array") return input.value.split(",").map((each) => each.trim()).filter(Boolean);
    return input.value;
  };
  return { node, read };
}

function select(id, choices, value) {
  const node = element("select", { id });
  node.append(element("option", { value: "" }, "–"));
  choices.forEach((choice, at) => {
    const option = element("option", { value: String(at) }, wordFor(choice));
    option.selected = choice === value;
    node.append(option);
  });
  return node;
}

const KINDS = { date: "date", "date-time": "datetime-local", time: "time", email: "email", uri: "url" };

function entry(id, property, value) {
  const isNumber = property.type === "integer" || property.type === "number";
  const type = property.writeOnly ? "password" : isNumber ? "number" : KINDS[property.format] || "text";
  const node = element("input", { id, type, autocomplete: property.writeOnly ? "off" : "on" });
  if (property.type === "number") node.step = "any";
  for (const [key, attribute] of [["minimum", "min"], ["maximum", "max"], ["minLength", "minlength"], ["maxLength", "maxlength"]]) {
    if (property[key] !== undefined) node.setAttribute(attribute, property[key]);
  }
  if (value !== undefined && value !== null && !property.writeOnly) node.value = String(value);
  return node;
}

/** A property without its reference, and without the null beside its type. */
function resolved(property, schema) {
  let found = property;
  if (found.allOf?.length === 1) found = { ...found, ...found.allOf[0] };
  if (found.anyOf) {
    const real = found.anyOf.filter((each) => each.type !== "null");
    if (real.length === 1) found = { ...found, ...real[0] };
  }
  if (found.$ref) {
    const { title, description } = found;
    const target = found.$ref.split("/").slice(1).reduce((at, key) => at?.[key], schema) || {};
    found = { ...target, ...(title ? { title } : {}), ...(description ? { description } : {}) };
  }
  if (found.const !== undefined) found = { ...found, enum: [found.const] };
  return found;
}

export function element(name, attributes = {}, text = undefined) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}
